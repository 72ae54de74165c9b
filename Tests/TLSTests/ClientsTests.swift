import IPC
import Sandbox
import XCTest

@testable import Signer

/// How many proxies' loops a signer serves.
final class ClientsTests: XCTestCase {
    /// `--loops` may be 64, and ten proxies may be there at once: the current one, eight that drain, a replacement.
    func testEveryLoopOfEveryProxyFindsRoom() throws {
        XCTAssertGreaterThanOrEqual(SignerProcess.mostClients, 64 * (1 + 8 + 1))
        // Each channel is a descriptor; beside them are its own, and the files of two keys and chains at once.
        XCTAssertGreaterThanOrEqual(Int(try XCTUnwrap(Rights.of(.signer)).openFiles), SignerProcess.mostClients + 64)
    }
}
