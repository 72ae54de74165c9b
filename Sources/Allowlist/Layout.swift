/// The bytes of a snapshot, as they stand in its sealed memory file. Numbers are in the byte order of the machine: both
/// ends are processes of one build on one host.
///
///     header   magic · entries · pods · addresses · bytes of text · reserved (3)        8 words of 8 bytes
///     entries  high u64 · low u64 · port u16 · 0 u16 · pod u32                          sorted by high, low, port
///     pods     text offset u32 · text length u32 · first address u32 · addresses u32    sorted by name
///     addresses  high u64 · low u64                                                     each pod's, the primary one first
///     text     the pods' names
///
/// Port 0 stands for every port of an address. Pod `noPod` stands for an entry without a name.
enum SnapshotLayout {
    /// "SIDEALW1" as a number.
    static let magic: UInt64 = 0x5349_4445_414C_5731
    static let headerSize = 64
    static let entrySize = 24
    static let podSize = 16
    static let addressSize = 16
    static let noPod = UInt32.max

    /// What a snapshot may hold at most; far beyond any pool, and few enough to be checked in milliseconds.
    static let mostEntries = 262_144
    static let mostPods = 65_536
    static let mostAddresses = 262_144
    static let mostText = 16 << 20
    /// The longest name of a pod, in bytes (a DNS subdomain).
    static let longestName = 253

    /// Is this a name that a pod can have, in its bytes and its length?
    static func isName(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count >= 1, text.count <= longestName else { return false }
        for byte in text where !isNameByte(byte) { return false }
        return true
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    static func size(entries: Int, pods: Int, addresses: Int, text: Int) -> Int {
        headerSize + entries * entrySize + pods * podSize + addresses * addressSize + text
    }
}
