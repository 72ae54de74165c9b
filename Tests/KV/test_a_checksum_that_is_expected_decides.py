"""With a checksum from elsewhere the transfer is done only if the bytes have it; the peer isn't asked."""


def test_the_right_one_and_a_wrong_one(pair):
    reader, source = pair
    source.fill(5)
    source.memory[0:9] = b"123456789"
    right = reader.transfer(source, 9, checksum="e3069283")
    assert (right["result"], right["checksum"]) == ("done", "e3069283")
    wrong = reader.transfer(source, 9, checksum="e3069284")
    assert (wrong["result"], wrong["checksum"], wrong["bytes"]) == ("checksum_mismatch", "e3069283", 9)
    assert (reader.transfers("done"), reader.transfers("checksum_mismatch")) == (1, 1)
    assert reader.sidecar.metric("sidecar_kv_transfer_bytes_total") == 9
