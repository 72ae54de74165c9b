/// The "model": words that follow from the prompt alone.
///
/// Two engines that know the same prompt say the same; an engine that was handed the KV of another prompt says
/// something else from the first word on. That makes a wrong handoff visible, as it is with a real model.
struct TextGenerator {
    private var state: UInt64

    /// A few words outside ASCII, so that nothing on the way may take bytes for characters.
    private static let words = """
        amber anchor arrow autumn basalt beacon birch bridge café candle canyon cedar cloud cobalt comet copper coral \
        dawn delta drift dune ember fable falcon fern field flint forest garden glacier granite harbor hazel hollow \
        indigo iris island ivory juniper lantern laurel ledger lichen linen maple marble meadow mesa naïve nectar \
        north oak ochre olive orbit orchard pebble pine plume prairie quartz quiet raven reef ridge river saffron \
        sail sand shore silver slate sparrow spruce stone summit thistle thunder tide timber valley velvet violet \
        walnut willow winter Zürich λ
        """.split(separator: " ").map(String.init)

    init(prompt: String) {
        // FNV-1a, 64 bits.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in prompt.utf8 {
            hash ^= UInt64(byte)
            hash = hash &* 0x100_0000_01b3
        }
        state = hash
    }

    /// The next word. The caller puts the space between two words.
    mutating func next() -> String {
        // splitmix64: every state gives a well-mixed word, also the neighbours of a short prompt's hash.
        state = state &+ 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        mixed ^= mixed >> 31
        return TextGenerator.words[Int(mixed % UInt64(TextGenerator.words.count))]
    }

    /// How many tokens a prompt has here: one for every four bytes begun.
    static func tokenCount(of prompt: String) -> Int {
        max(1, (prompt.utf8.count + 3) / 4)
    }
}
