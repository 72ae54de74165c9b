/// What the proxy's policy depends on. Times are milliseconds, sizes bytes; 0 = no limit where a limit is optional.
public struct ProxySettings: Sendable, Equatable {
    /// Which address of a handoff is believed.
    public enum HandoffHostCheck: UInt8, Sendable {
        /// Any.
        case off = 0
        /// Only the prefiller that was called.
        case prefiller = 1
        /// Any member of the pool.
        case pool = 2
    }

    /// Event loops, each with its own thread.
    public var loops: UInt16 = 1
    /// How the decoder is called in `x-decoder-host-port`, such as `localhost:8001`.
    public var decoderName = ""

    /// Leg 1, from the first byte sent to the last byte of the answer.
    public var prefillTimeout: UInt32 = 30_000
    /// Reaching an upstream.
    public var connectTimeout: UInt32 = 5_000
    /// How old a handoff may be when the decode leg's body is on its way.
    public var handoffMaximumAge: UInt32 = 20_000
    /// Which address a handoff may name.
    public var handoffHostCheck = HandoffHostCheck.off
    /// Accept `[[1,2]]`, block ids by cache group.
    public var acceptNestedBlockIds = true
    /// Accept `[1,2]`, the shape of older engines.
    public var acceptFlatBlockIds = false
    /// A prefill answer without a handoff is an error, not a plain decode.
    public var failWithoutHandoff = false
    /// Report the prefiller's cached tokens in the answer's usage.
    public var rewriteCachedTokens = true
    /// Authorization and Cookie go to prefillers too.
    public var forwardCredentials = false
    /// Refuse a client's protocol members instead of removing them.
    public var refuseHostileMembers = false
    /// The largest prefill answer.
    public var prefillAnswerLimit: UInt64 = 16 << 20

    /// The largest request body.
    public var maximumBody: UInt64 = 64 << 20
    /// All buffered bodies together.
    public var maximumBuffered: UInt64 = 1 << 30
    /// Client connections open at once.
    public var maximumConnections: UInt32 = 16_384
    /// From the first byte of a head to its last.
    public var headTimeout: UInt32 = 30_000
    /// Bytes per second a body must arrive with after the grace.
    public var bodyMinimumRate: UInt32 = 1024
    /// Time before the rate counts.
    public var bodyGrace: UInt32 = 10_000
    /// A client connection without a request.
    public var keepAlive: UInt32 = 300_000
    /// An upstream connection without a request.
    public var upstreamIdle: UInt32 = 4_000
    /// Idle connections kept for one upstream.
    public var maximumIdlePerUpstream: UInt32 = 1024
    /// A client that closes its sending side still wants the answer.
    public var serveHalfClosed = false
    /// Prefillers may be named by DNS names.
    public var resolveNames = false
    /// Prefillers must be in the allowlist.
    public var protection = false
    /// How old the last confirmation of the allowlist may be; 0 = any age.
    public var allowlistMaximumAge: UInt32 = 0
    /// Of several prefillers that a request names, begin with one at random and not with the first.
    public var samplePrefillers = false
    /// Legs that run to a prefiller when it leaves the allowlist are cut, not finished.
    public var cutRevoked = false
    /// TLS on each side.
    public var tls = ProxyTLSSettings()
    /// One line per request.
    public var logRequests = false
    /// Lines of this weight or heavier are logged.
    public var logLevel: UInt8 = 2

    /// Everything at its default.
    public init() {}

    func encode(into writer: inout WireWriter) {
        writer.write(loops)
        writer.write(decoderName)
        for value in [prefillTimeout, connectTimeout, handoffMaximumAge] { writer.write(value) }
        writer.write(handoffHostCheck.rawValue)
        for value in [
            acceptNestedBlockIds, acceptFlatBlockIds, failWithoutHandoff, rewriteCachedTokens, forwardCredentials,
            refuseHostileMembers,
        ] { writer.write(value) }
        for value in [prefillAnswerLimit, maximumBody, maximumBuffered] { writer.write(value) }
        for value in [
            maximumConnections, headTimeout, bodyMinimumRate, bodyGrace, keepAlive, upstreamIdle,
            maximumIdlePerUpstream,
        ] { writer.write(value) }
        writer.write(serveHalfClosed)
        writer.write(resolveNames)
        writer.write(protection)
        writer.write(allowlistMaximumAge)
        writer.write(samplePrefillers)
        writer.write(cutRevoked)
        tls.encode(into: &writer)
        writer.write(logRequests)
        writer.write(logLevel)
    }

    init(from reader: inout WireReader) {
        loops = reader.read()
        decoderName = reader.readText(limit: 64)
        prefillTimeout = reader.read()
        connectTimeout = reader.read()
        handoffMaximumAge = reader.read()
        handoffHostCheck = reader.read(case: HandoffHostCheck.self, fallback: .prefiller)
        acceptNestedBlockIds = reader.readBool()
        acceptFlatBlockIds = reader.readBool()
        failWithoutHandoff = reader.readBool()
        rewriteCachedTokens = reader.readBool()
        forwardCredentials = reader.readBool()
        refuseHostileMembers = reader.readBool()
        prefillAnswerLimit = reader.read()
        maximumBody = reader.read()
        maximumBuffered = reader.read()
        maximumConnections = reader.read()
        headTimeout = reader.read()
        bodyMinimumRate = reader.read()
        bodyGrace = reader.read()
        keepAlive = reader.read()
        upstreamIdle = reader.read()
        maximumIdlePerUpstream = reader.read()
        serveHalfClosed = reader.readBool()
        resolveNames = reader.readBool()
        protection = reader.readBool()
        allowlistMaximumAge = reader.read()
        samplePrefillers = reader.readBool()
        cutRevoked = reader.readBool()
        tls = ProxyTLSSettings(from: &reader)
        logRequests = reader.readBool()
        logLevel = reader.read()
    }
}
