/// What planning a decode leg takes, apart from the bytes: a trivial value that outlives the scanner's next scan.
///
/// The scanner is shared by all connections of an event loop, while an exchange with a prefiller lasts for seconds: the
/// connection keeps this instead of scanning the body a second time.
public struct DecodePlan {
    /// How many members a plan can cut. A body with more of them is not an accident: answer it with `tooManyMembers`.
    public static var maximumCuts: Int { 16 }

    private var cuts = InlineArray<16, Cut>(repeating: Cut(start: 0, end: 0))
    private var cutCount: UInt8 = 0
    private let length: UInt32
    private let insertion: UInt32
    private let isObject: Bool
    private let keepsMembers: Bool

    init(length: UInt32, insertion: UInt32, isObject: Bool, keepsMembers: Bool) {
        self.length = length
        self.insertion = insertion
        self.isObject = isObject
        self.keepsMembers = keepsMembers
    }

    mutating func add(_ cut: Cut) {
        cuts[Int(cutCount)] = cut
        cutCount += 1
    }

    /// The client's exact bytes less hostile members, plus the handoff as the last member; see
    /// `BodyScanner.planDecode`, which does the same.
    public func plan(
        _ body: UnsafeRawPointer, handoff: UnsafeRawBufferPointer?, into list: inout PieceList
    ) -> Bool {
        guard isObject || handoff == nil else { return false }
        let before = list.checkpoint
        let planned = append(body, handoff: handoff, into: &list)
        if !planned { list.restore(before) }
        return planned
    }

    private func append(
        _ body: UnsafeRawPointer, handoff: UnsafeRawBufferPointer?, into list: inout PieceList
    ) -> Bool {
        var done = 0
        for k in 0..<Int(cutCount) {
            guard appendUncut(body, &done, cuts[k], into: &list) else { return false }
        }
        let end = Int(insertion)
        return appendHandoff(
            body + done, upTo: end - done, rest: Int(length) - end, handoff, comma: keepsMembers, into: &list)
    }
}
