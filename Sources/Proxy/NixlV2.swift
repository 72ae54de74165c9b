import HTTP
import JSON

/// The nixlv2 connector: leg 1 asks the prefiller to compute and keep the prompt's blocks, its answer's
/// `kv_transfer_params` go to the decoder verbatim. What the legs' bodies look like is in `JSON/`; the headers below are
/// the description's, which engines ignore.
enum NixlV2 {
    /// Fields that only the prefill leg carries.
    static func writePrefillFields(into writer: inout HeadWriter) {
        writer.append("x-nixl-version: 2\r\nx-kv-connector: nixl\r\n")
    }
}
