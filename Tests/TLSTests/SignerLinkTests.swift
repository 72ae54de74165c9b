import CLinux
import Glibc
import IPC
import XCTest

@testable import TLS

/// The way to the signer: answers find whoever asked, and a new signer is asked what the old one left open.
final class SignerLinkTests: XCTestCase {
    private func pair() -> (mine: Int32, signer: Channel) {
        var ends: [Int32] = [-1, -1]
        precondition(cl_socketpair(&ends) == 0)
        return (ends[0], Channel(fd: ends[1]))
    }

    private func request(_ key: UInt32) -> SignRequest {
        SignRequest(key: key, algorithm: 0x0403, isDigest: false, content: [1, 2, 3])
    }

    private func asked(_ channel: Channel) -> [(id: UInt32, key: UInt32)] {
        var all: [(UInt32, UInt32)] = []
        while case .message(.sign(let id, let request), _) = channel.receive(ToSigner.self) {
            all.append((id, request.key))
        }
        return all
    }

    private func answers(_ link: SignerLink) -> [UInt64: SignerLink.Answer] {
        var all: [UInt64: SignerLink.Answer] = [:]
        _ = link.receive { all[$0] = $1 }
        return all
    }

    func testAnswersFindTheirOwners() throws {
        let link = SignerLink()
        let (mine, signer) = pair()
        link.connect(mine)
        let ids = try (0..<5).map { try XCTUnwrap(link.ask(request($0), for: UInt64($0) + 100)) }
        XCTAssertEqual(asked(signer).map(\.key), [0, 1, 2, 3, 4])
        link.cancel(ids[2])
        for index in [4, 2, 0] { _ = signer.send(FromSigner.signed(id: ids[index], signature: [UInt8(index)])) }
        _ = signer.send(FromSigner.refused(id: ids[1], reason: .unsuited))
        _ = signer.send(FromSigner.signed(id: 0, signature: [9]))
        _ = signer.send(FromSigner.signed(id: ids[4], signature: [9]))
        XCTAssertEqual(
            answers(link), [104: .signature([4]), 100: .signature([0]), 101: .refused(.unsuited)])
        XCTAssertEqual(link.count, 1)
    }

    func testTheNextSignerIsAskedWhatTheLastOneLeftOpen() throws {
        let link = SignerLink()
        let early = try XCTUnwrap(link.ask(request(1), for: 1))
        let (mine, first) = pair()
        link.connect(mine)
        XCTAssertEqual(asked(first).map(\.id), [early])
        let late = try XCTUnwrap(link.ask(request(2), for: 2))
        _ = first.send(FromSigner.signed(id: early, signature: [1]))
        shutdown(first.fd, Int32(SHUT_RDWR))
        var got: [UInt64] = []
        XCTAssertFalse(link.receive { owner, _ in got.append(owner) })
        XCTAssertEqual(got, [1])
        XCTAssertEqual(link.fd, -1)
        let meanwhile = try XCTUnwrap(link.ask(request(3), for: 3))
        let (again, second) = pair()
        link.connect(again)
        XCTAssertEqual(Set(asked(second).map(\.id)), [late, meanwhile])
        _ = second.send(FromSigner.signed(id: late, signature: [2]))
        XCTAssertEqual(answers(link), [2: .signature([2])])
    }

    func testASignerThatTalksNonsenseIsLeft() {
        let link = SignerLink()
        let (mine, signer) = pair()
        link.connect(mine)
        XCTAssertNotNil(link.ask(request(1), for: 1))
        XCTAssertEqual(
            [UInt8]([1, 2, 3]).withUnsafeBytes { cl_send_packet(signer.fd, $0.baseAddress, $0.count, -1) }, 3)
        XCTAssertFalse(link.receive { _, _ in XCTFail("nothing was answered") })
        XCTAssertEqual(link.count, 1, "it waits for the next one")
    }

    func testTheTableIsBoundedAndASlowSignerIsSparedAndCaughtUpWith() throws {
        let link = SignerLink()
        let (mine, signer) = pair()
        link.connect(mine)
        var ids: Set<UInt32> = []
        for owner in 0..<SignerLink.capacity {
            ids.insert(try XCTUnwrap(link.ask(request(1), for: UInt64(owner))))
        }
        XCTAssertNil(link.ask(request(1), for: 0))
        XCTAssertEqual(ids.count, SignerLink.capacity)
        XCTAssertTrue(link.hasUnsent, "more than a channel holds")
        var seen: Set<UInt32> = []
        while seen.count < ids.count {
            let some = asked(signer).map(\.id)
            XCTAssertFalse(some.isEmpty)
            XCTAssertTrue(seen.isDisjoint(with: some), "asked once")
            seen.formUnion(some)
            link.sendUnsent()
        }
        XCTAssertEqual(seen, ids)
        XCTAssertFalse(link.hasUnsent)
        for id in ids { link.cancel(id) }
        XCTAssertEqual(link.count, 0)
        XCTAssertNotNil(link.ask(request(1), for: 0))
    }
}
