/// Why a client's body is refused.
public enum BodyFault: UInt8, Sendable {
    /// Nothing is wrong.
    case none
    /// Not JSON by RFC 8259 (including: empty, trailing bytes, a byte order mark, 4 GiB or more).
    case syntax
    /// A string holds bytes that are not UTF-8 (RFC 3629: overlong forms, surrogates and values over 10FFFF are not).
    case invalidUTF8
    /// More open brackets than the scanner's maximum depth.
    case tooDeep
    /// A member whose copies could hide each other from a check occurs twice in one object.
    case duplicateMember
    /// More protocol members than are kept track of (`BodyScanner.maximumHostileMembers`).
    case tooManyMembers
    /// The route needs an object. `BodyScanner.scan` accepts every value and leaves this verdict to its caller,
    /// who knows the route (see `BodyScanner.isObject`).
    case notAnObject
    /// A member has a type that the route cannot use. Never found by `BodyScanner.scan`, whose rules are about
    /// names only; it is the word for callers that look into values.
    case wrongMemberType
}
