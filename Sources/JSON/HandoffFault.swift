/// Why a prefiller's answer cannot be handed to a decoder.
///
/// vLLM's decoder checks none of this itself: given block ids that are missing, empty or of the wrong shape its engine
/// exits, and given no address the request hangs and the engine exits when the client leaves.
public enum HandoffFault: UInt8, Sendable {
    /// The handoff is sound.
    case none
    /// The answer is not JSON (syntax, UTF-8 or more than 512 open brackets).
    case answerNotJSON
    /// The answer is JSON but not an object.
    case answerNotAnObject
    /// The answer has no `kv_transfer_params`, or null.
    case absent
    /// `kv_transfer_params` is neither an object nor null.
    case notAnObject
    /// `do_remote_prefill` is not true: a decoder would compute the prompt itself.
    case notRemotePrefill
    /// `remote_block_ids` is missing or null.
    case blockIdsMissing
    /// `remote_block_ids` is an empty list, or one of its lists is empty.
    case blockIdsEmpty
    /// `remote_block_ids` is not made of lists of integers from 0 to 2147483647 as the settings ask for.
    case blockIdsMalformed
    /// `remote_block_ids` is the flat list of older engines, which was not allowed.
    case flatBlockIds
    /// `remote_host` is missing, empty, not a string, or written with an escape.
    case hostMissing
    /// `remote_port` is not 1 to 65535, as a number or as a string of digits.
    case portInvalid
    /// `remote_engine_id` is not a non-empty string.
    case engineIdMissing
    /// `remote_request_id` is not a non-empty string.
    case requestIdMissing
    /// The answer has two `kv_transfer_params`, or the handoff two members of one name (or more members than are
    /// kept track of, which no engine comes near).
    case duplicateMember
}
