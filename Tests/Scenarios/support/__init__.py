"""What the scenarios share: wire format, a client, a scripted engine, and the sidecar under test."""
