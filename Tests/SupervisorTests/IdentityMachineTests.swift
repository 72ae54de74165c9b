import IPC
import XCTest

@testable import Supervisor

/// Certificates of ours: judged before they are shown, kept until there is something better.
final class IdentityMachineTests: XCTestCase {
    private func machine(mayMakeOwn: Bool = true, _ events: [IdentityMachine.Event] = []) -> IdentityMachine {
        var machine = IdentityMachine(mayMakeOwn: mayMakeOwn)
        for event in events { _ = machine.handle(event) }
        return machine
    }

    private let fromFiles: [IdentityMachine.Event] = [
        .signerStarted, .pairRead(key: 1), .judged(key: 1, verdict: .good, ends: 5000),
    ]
    private let ownMade: [IdentityMachine.Event] = [
        .signerStarted, .pairMissing(reason: "no file"), .made(key: 1, ends: 700_000),
    ]

    func testAPairIsShownOnceTheSignerFoundItGood() {
        var machine = machine()
        XCTAssertEqual(machine.handle(.signerStarted), [.readFiles])
        XCTAssertEqual(machine.handle(.pairRead(key: 1)), [.judge(key: 1)])
        XCTAssertNil(machine.held)
        XCTAssertEqual(
            machine.handle(.judged(key: 1, verdict: .good, ends: 5000)), [.putInForce(key: 1)])
        XCTAssertEqual(machine.held, .init(key: 1, isOwn: false, ends: 5000))
    }

    func testWithoutAUsablePairOneIsMade() {
        var machine = machine()
        _ = machine.handle(.signerStarted)
        XCTAssertEqual(machine.handle(.pairMissing(reason: "no file")), [.makeOwn(because: "no file")])
        XCTAssertEqual(machine.handle(.made(key: 4, ends: 9)), [.putInForce(key: 4)])
        XCTAssertEqual(machine.held, .init(key: 4, isOwn: true, ends: 9))
    }

    func testEveryBadVerdictMakesOneToo() {
        for verdict in KeyVerdict.allCases where verdict != .good {
            var machine = machine([.signerStarted, .pairRead(key: 1)])
            XCTAssertEqual(
                machine.handle(.judged(key: 1, verdict: verdict, ends: 0)), [.makeOwn(because: verdict.meaning)])
        }
    }

    func testWhereOneIsDemandedTheStartEnds() {
        var machine = machine(mayMakeOwn: false, [.signerStarted])
        XCTAssertEqual(machine.handle(.pairMissing(reason: "no file")), [.endStart(because: "no file")])
        for verdict in KeyVerdict.allCases where verdict != .good {
            var machine = self.machine(mayMakeOwn: false, [.signerStarted, .pairRead(key: 1)])
            XCTAssertEqual(
                machine.handle(.judged(key: 1, verdict: verdict, ends: 0)), [.endStart(because: verdict.meaning)])
        }
    }

    func testWhatIsInForceStaysUntilSomethingBetterIsThere() {
        for mayMakeOwn in [true, false] {
            var machine = machine(mayMakeOwn: mayMakeOwn, fromFiles)
            XCTAssertEqual(machine.handle(.filesChanged), [.readFiles])
            XCTAssertEqual(machine.handle(.pairMissing(reason: "gone")), [.keep(because: "gone")])
            XCTAssertEqual(machine.handle(.pairRead(key: 2)), [.judge(key: 2)])
            XCTAssertEqual(
                machine.handle(.judged(key: 2, verdict: .mismatch, ends: 0)),
                [.keep(because: KeyVerdict.mismatch.meaning)])
            XCTAssertEqual(machine.held?.key, 1)
            XCTAssertEqual(machine.handle(.pairRead(key: 3)), [.judge(key: 3)])
            XCTAssertEqual(
                machine.handle(.judged(key: 3, verdict: .good, ends: 1)), [.putInForce(key: 3)])
        }
    }

    func testOfTwoChangesTheLaterCounts() {
        var machine = machine(fromFiles + [.pairRead(key: 2), .pairRead(key: 3)])
        XCTAssertEqual(machine.handle(.judged(key: 2, verdict: .good, ends: 1)), [])
        XCTAssertEqual(machine.held?.key, 1)
        XCTAssertEqual(machine.handle(.judged(key: 3, verdict: .good, ends: 1)), [.putInForce(key: 3)])
    }

    func testANewSignerIsGivenWhatIsInForce() {
        var machine = machine(fromFiles)
        XCTAssertEqual(machine.handle(.signerStarted), [.giveAgain(key: 1)])
        XCTAssertEqual(machine.handle(.judged(key: 1, verdict: .good, ends: 5000)), [])
        XCTAssertEqual(machine.held?.key, 1)
        // The key was overwritten where it lay: what the folder holds now may serve.
        XCTAssertEqual(machine.handle(.judged(key: 1, verdict: .mismatch, ends: 0)), [.readFiles])
        XCTAssertEqual(machine.held?.key, 1)
    }

    func testANewSignerMakesANewCertificateWhereTheKeyDiedWithTheOldOne() {
        var machine = machine(ownMade)
        XCTAssertEqual(machine.handle(.signerStarted), [.makeOwn(because: "")])
        XCTAssertEqual(machine.handle(.made(key: 2, ends: 1)), [.putInForce(key: 2)])
    }

    func testACandidateDiesWithItsSigner() {
        var machine = machine([.signerStarted, .pairRead(key: 1)])
        XCTAssertEqual(machine.handle(.signerStarted), [.forget(key: 1), .readFiles])
        // Beside what is in force, it is read anew.
        var serving = self.machine(fromFiles + [.filesChanged, .pairRead(key: 2)])
        XCTAssertEqual(serving.handle(.signerStarted), [.forget(key: 2), .giveAgain(key: 1), .readFiles])
        XCTAssertEqual(machine.handle(.judged(key: 1, verdict: .good, ends: 1)), [])
        XCTAssertNil(machine.held)
    }

    func testFilesThatComeLaterReplaceOurOwn() {
        var machine = machine(ownMade)
        XCTAssertEqual(machine.handle(.filesChanged), [.readFiles])
        XCTAssertEqual(machine.handle(.pairRead(key: 2)), [.judge(key: 2)])
        XCTAssertEqual(machine.handle(.judged(key: 2, verdict: .good, ends: 1)), [.putInForce(key: 2)])
        XCTAssertEqual(machine.held?.isOwn, false)
    }

    func testACertificateThatNobodyAskedForIsNotShown() {
        var machine = machine(fromFiles)
        XCTAssertEqual(machine.handle(.made(key: 9, ends: 1)), [])
        XCTAssertEqual(machine.held?.key, 1)
    }

    func testOurOwnIsMadeAnewWhenAThirdOfItsLifeIsLeft() {
        let third = IdentityMachine.ownLifetime / 3
        var machine = machine(ownMade)
        XCTAssertEqual(machine.handle(.clock(700_000 - third)), [])
        XCTAssertEqual(machine.handle(.clock(700_000 - third + 1)), [.makeOwn(because: "")])
        XCTAssertEqual(machine.handle(.clock(700_000)), [], "asked for once")
        XCTAssertEqual(machine.handle(.made(key: 2, ends: 1_400_000)), [.putInForce(key: 2)])
        XCTAssertEqual(machine.handle(.clock(700_000)), [])
    }

    func testTimeDoesNothingToCertificatesFromFiles() {
        var machine = machine(fromFiles)
        XCTAssertEqual(machine.handle(.clock(.max)), [])
        var empty = self.machine()
        XCTAssertEqual(empty.handle(.clock(.max)), [])
    }

    func testWhatTheSignerCanSignForNoMoreIsReplacedByOurOwn() {
        var machine = machine(fromFiles + [.signerStarted, .judged(key: 1, verdict: .mismatch, ends: 0)])
        XCTAssertFalse(machine.isUsable)
        XCTAssertEqual(
            machine.handle(.pairRead(key: 2)) + machine.handle(.judged(key: 2, verdict: .mismatch, ends: 0)),
            [.judge(key: 2), .makeOwn(because: KeyVerdict.mismatch.meaning)])
        XCTAssertEqual(machine.handle(.made(key: 3, ends: 700_000)), [.putInForce(key: 3)])
        XCTAssertTrue(machine.isUsable)
    }

    func testWhereOneIsDemandedItIsSaidOnceThatThereIsNone() {
        var machine = machine(
            mayMakeOwn: false, fromFiles + [.signerStarted, .judged(key: 1, verdict: .expired, ends: 0)])
        XCTAssertEqual(machine.handle(.pairMissing(reason: "gone")), [.nothingToShow(because: "gone")])
        XCTAssertEqual(machine.handle(.pairMissing(reason: "gone")), [])
        XCTAssertFalse(machine.isUsable)
        _ = machine.handle(.pairRead(key: 2))
        XCTAssertEqual(machine.handle(.judged(key: 2, verdict: .good, ends: 9)), [.putInForce(key: 2)])
        XCTAssertTrue(machine.isUsable)
    }

    func testWhatTimeAloneHealsIsReadAgainWithTheNextHeartbeat() {
        var machine = machine([.signerStarted, .pairRead(key: 1), .judged(key: 1, verdict: .notYetValid, ends: 0)])
        _ = machine.handle(.made(key: 2, ends: 700_000))
        XCTAssertEqual(machine.handle(.clock(0)), [.readFiles])
        _ = machine.handle(.pairRead(key: 3))
        XCTAssertEqual(machine.handle(.judged(key: 3, verdict: .notYetValid, ends: 0)), [], "told once")
        XCTAssertEqual(machine.handle(.clock(0)), [.readFiles])
    }

    func testWhatWasRefusedOtherwiseIsReadAgainAboutOnceAMinute() {
        var machine = machine(fromFiles + [.filesChanged, .pairMissing(reason: "denied")])
        for beat in 1..<12 { XCTAssertEqual(machine.handle(.clock(0)), [], "\(beat)") }
        XCTAssertEqual(machine.handle(.clock(0)), [.readFiles])
        XCTAssertEqual(machine.handle(.pairMissing(reason: "denied")), [])
        XCTAssertEqual(machine.handle(.pairMissing(reason: "other")), [.keep(because: "other")])
        // Asked for, the same is said again.
        _ = machine.handle(.filesChanged)
        XCTAssertEqual(machine.handle(.pairMissing(reason: "other")), [.keep(because: "other")])
        XCTAssertEqual(machine.handle(.pairUnchanged), [])
        for beat in 1...24 { XCTAssertEqual(machine.handle(.clock(0)), [], "\(beat)") }
    }

    func testWhatTheProxyCantShowIsTakenBack() {
        var machine = machine(
            fromFiles + [.shown(key: 1), .pairRead(key: 2), .judged(key: 2, verdict: .good, ends: 6)])
        XCTAssertEqual(machine.previous?.key, 1)
        XCTAssertEqual(machine.handle(.unshowable(key: 9, reason: "x")), [], "not what is in force")
        XCTAssertEqual(machine.handle(.unshowable(key: 2, reason: "weak")), [.takeBack(to: 1, because: "weak")])
        XCTAssertEqual(machine.held, .init(key: 1, isOwn: false, ends: 5000, isShown: true))
    }

    func testWhatIsShownIsNotTakenBack() {
        for mayMakeOwn in [true, false] {
            var machine = machine(mayMakeOwn: mayMakeOwn, fromFiles + [.shown(key: 1)])
            XCTAssertEqual(machine.handle(.unshowable(key: 1, reason: "says who")), [])
            XCTAssertEqual(machine.held?.key, 1)
            XCTAssertTrue(machine.isUsable)
        }
    }

    func testOfSeveralThatTheProxyCantShowNoneTakesThePlaceOfWhatWasShown() {
        var machine = machine(
            fromFiles + [
                .shown(key: 1), .pairRead(key: 2), .judged(key: 2, verdict: .good, ends: 6), .pairRead(key: 3),
                .judged(key: 3, verdict: .good, ends: 7),
            ])
        XCTAssertEqual(machine.handle(.unshowable(key: 2, reason: "weak")), [], "overtaken")
        XCTAssertEqual(machine.handle(.unshowable(key: 3, reason: "weak")), [.takeBack(to: 1, because: "weak")])
    }

    func testWhoHasStartedIsNotEndedByACertificate() {
        var machine = machine(
            mayMakeOwn: false,
            fromFiles + [
                .shown(key: 1), .signerStarted, .judged(key: 1, verdict: .mismatch, ends: 0), .pairRead(key: 2),
                .judged(key: 2, verdict: .good, ends: 6),
            ])
        XCTAssertEqual(machine.handle(.unshowable(key: 2, reason: "weak")), [.nothingToShow(because: "weak")])
        XCTAssertFalse(machine.isUsable)
        for _ in 1..<12 { XCTAssertEqual(machine.handle(.clock(0)), []) }
        XCTAssertEqual(machine.handle(.clock(0)), [.readFiles])
    }

    func testWhatCameBeforeIsNeededUntilTheProxyShowsWhatIsInForce() {
        var machine = machine(fromFiles)
        XCTAssertEqual(machine.shown?.key, 1, "the first one, which is being handed over")
        XCTAssertEqual(machine.handle(.shown(key: 1)), [.announce(isReload: false), .retireOthers])
        XCTAssertEqual(machine.handle(.shown(key: 1)), [.retireOthers], "by another proxy")
        _ = machine.handle(.pairRead(key: 2))
        _ = machine.handle(.judged(key: 2, verdict: .good, ends: 6))
        XCTAssertEqual(machine.handle(.shown(key: 1)), [], "late")
        XCTAssertEqual(machine.shown?.key, 1, "until a proxy shows the new one")
        XCTAssertEqual(machine.previous?.key, 1)
        XCTAssertEqual(machine.handle(.shown(key: 2)), [.announce(isReload: true), .retireOthers])
        XCTAssertEqual(machine.shown?.key, 2)
        XCTAssertNil(machine.previous)
    }

    func testAFirstPairThatTheProxyCantShowIsAsGoodAsNone() {
        var machine = machine(fromFiles)
        XCTAssertEqual(machine.handle(.unshowable(key: 1, reason: "weak")), [.makeOwn(because: "weak")])
        var strict = self.machine(mayMakeOwn: false, fromFiles)
        XCTAssertEqual(strict.handle(.unshowable(key: 1, reason: "weak")), [.endStart(because: "weak")])
    }

    func testMakingThatFailedIsTriedAgain() {
        var machine = machine([.signerStarted, .pairMissing(reason: "no file"), .makingFailed])
        XCTAssertFalse(machine.isMaking)
        for _ in 1..<12 { XCTAssertEqual(machine.handle(.clock(0)), []) }
        XCTAssertEqual(machine.handle(.clock(0)), [.readFiles])
        XCTAssertEqual(machine.handle(.pairMissing(reason: "no file")), [.makeOwn(because: "no file")])
    }
}
