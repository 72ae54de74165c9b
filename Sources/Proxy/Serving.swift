import CLinux
import Glibc
import HTTP
import IPC
import JSON
import Linux
import Metrics

/// From a whole request to its first leg.
extension Loop {
    /// Serves a request whose head is parsed in `head`. `body` stands in the client's own buffer or in the read buffer;
    /// in the latter it is copied before anything else is read.
    func serve(
        _ client: UnsafeMutablePointer<Client>, _ bytes: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
    ) {
        client.pointee.phase = .serving
        client.pointee.answered = false
        client.pointee.status = 0
        client.pointee.life = RequestLife()
        client.pointee.api = Route.api(head, bytes)
        client.pointee.mode = .decoderOnly
        client.pointee.wantsUpgrade = false
        endDeadline(of: client)
        if draining { client.pointee.closeAfter = true }
        stripe.add(.inFlight)

        if Route.isHealth(head, bytes) {
            answerHealth(client)
            return
        }
        let admission = client.pointee.api == .other ? .none : admitPrefillers(bytes, client)
        switch admission {
        case .malformed:
            stripe.add(.blockedMalformed)
            logMalformed(bytes, client)
            answer(client, .badTarget)
        case .refused(let reason): answer(client, ErrorAnswer(RequestLife.prefillerFailure(reason)))
        case .none:
            guard let body = admit(client, bytes, body, disaggregated: false) else { return }
            beginPassThrough(client, bytes, body)
        case .choices(let first, let others):
            guard let body = admit(client, bytes, body, disaggregated: true) else { return }
            if scanner.hasSeveralPrompts {
                // The prefiller would hand over the blocks of the first prompt only, and a decoder that is given them
                // for another one answers with wrong text, or exits. It computes all of them itself instead.
                beginPassThrough(client, bytes, body)
            } else {
                beginDisaggregated(client, bytes, body, first, others)
            }
        }
    }

    /// A body that may be passed on.
    private struct AdmittedBody {
        let bytes: UnsafeRawBufferPointer
        /// The scanner has read it, and knows what to edit in it; otherwise it goes as it is.
        let isScanned: Bool
    }

    /// Validates a body and looks for protocol members in it. Nil: the request has been answered.
    private func admit(
        _ client: UnsafeMutablePointer<Client>, _ bytes: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer,
        disaggregated: Bool
    ) -> AdmittedBody? {
        if body.isEmpty {
            if disaggregated {
                answer(
                    client, ErrorAnswer(400, "BadRequestError", "The request body is empty; a JSON object is expected.")
                )
                return nil
            }
            return AdmittedBody(bytes: body, isScanned: false)
        }
        if head.hasContentEncoding {
            answer(client, .encodedBody)
            return nil
        }
        guard disaggregated || Route.mustBeJSON(head, bytes, body: body) else {
            return AdmittedBody(bytes: body, isScanned: false)
        }
        var fault = scanner.scan(body, refuseDuplicateEdited: disaggregated)
        if fault == .none && disaggregated && !scanner.isObject { fault = .notAnObject }
        if fault != .none {
            answer(client, Self.bodyFault(fault), detail: faultDetail(fault))
            return nil
        }
        if scanner.hostileCount > 0 {
            if settings.refuseHostileMembers {
                stripe.add(.hostileRefused, scanner.hostileCount)
                answer(
                    client,
                    ErrorAnswer(400, "protocol_member_refused", "Clients must not send engine protocol members:"),
                    detail: "'\(String(decoding: scanner.hostileName(0), as: UTF8.self))'.")
                return nil
            }
            stripe.add(.hostileStripped, scanner.hostileCount)
        }
        return AdmittedBody(bytes: body, isScanned: true)
    }

    private static func bodyFault(_ fault: BodyFault) -> ErrorAnswer {
        switch fault {
        case .syntax, .none: ErrorAnswer(400, "BadRequestError", "The request body is not valid JSON:")
        case .invalidUTF8: ErrorAnswer(400, "BadRequestError", "The request body is not valid UTF-8:")
        case .tooDeep: ErrorAnswer(400, "BadRequestError", "The request body is nested too deeply:")
        case .duplicateMember:
            ErrorAnswer(400, "BadRequestError", "A member that the sidecar or an engine acts on occurs twice:")
        case .tooManyMembers: ErrorAnswer(400, "BadRequestError", "The request body holds too many protocol members.")
        case .notAnObject: ErrorAnswer(400, "BadRequestError", "The request body must be a JSON object:")
        case .wrongMemberType: ErrorAnswer(400, "BadRequestError", "A member of the request body has the wrong type:")
        }
    }

    private func faultDetail(_ fault: BodyFault) -> String {
        if fault == .tooManyMembers { return "" }
        let name = String(decoding: scanner.faultMember.prefix(64), as: UTF8.self)
        return (name.isEmpty ? "" : "'\(name)' ") + "at byte \(fault == .notAnObject ? 0 : scanner.faultOffset)."
    }

    // MARK: The two ways to go

    private func beginPassThrough(
        _ client: UnsafeMutablePointer<Client>, _ bytes: UnsafeRawBufferPointer, _ body: AdmittedBody
    ) {
        client.pointee.wantsUpgrade = head.asksForWebSocket && body.bytes.isEmpty
        pieces.removeAll()
        if body.isScanned {
            guard scanner.planPassThrough(body.bytes.baseAddress!, into: &pieces) else {
                answer(client, Self.bodyFault(.tooManyMembers))
                return
            }
        } else if !body.bytes.isEmpty {
            _ = pieces.append(body.bytes.baseAddress!, body.bytes.count)
        }
        var writer = HeadWriter(scratch)
        guard writeLegHead(.passThrough, bytes, client, into: &writer),
            buildLeg(client, &writer, hasBody: !body.bytes.isEmpty || head.contentLength >= 0)
        else {
            answer(client, .noBufferSpace)
            return
        }
        if pieces.totalBytes <= Outgoing.flattenLimit { releaseBody(client) }
        client.pointee.head.free()
        perform(client.pointee.life.handle(.begin(disaggregated: false)), client)
    }

    private func beginDisaggregated(
        _ client: UnsafeMutablePointer<Client>, _ bytes: UnsafeRawBufferPointer,
        _ body: AdmittedBody, _ first: PrefillChoice, _ others: [PrefillChoice]
    ) {
        client.pointee.mode = .disaggregated
        guard let plan = scanner.decodePlan() else {
            answer(client, Self.bodyFault(.tooManyMembers))
            return
        }
        // The decode leg needs the body later: keep it, unless it has a buffer of its own already.
        if client.pointee.body.isEmpty {
            guard charge(client, body.bytes.count), client.pointee.body.append(body.bytes) else {
                answer(client, .noBufferSpace)
                return
            }
        }
        let handoff = UnsafeMutablePointer<Handoff>.allocate(capacity: 1)
        handoff.initialize(
            to: Handoff(
                target: first.endpoint, name: first.name, host: first.host, others: others.reversed(), plan: plan))
        handoff.pointee.requestID = chooseRequestID(bytes)
        client.pointee.handoff = handoff

        var writer = HeadWriter(scratch)
        guard writeLegHead(.decode, bytes, client, into: &writer) else {
            answer(client, ErrorAnswer(.tooLarge))
            return
        }
        _ = handoff.pointee.decodeHead.append(UnsafeRawBufferPointer(start: scratch.baseAddress, count: writer.count))

        writer = HeadWriter(scratch)
        pieces.removeAll()
        guard writeLegHead(.prefill, bytes, client, into: &writer),
            scanner.planPrefill(client.pointee.body.bytes.baseAddress!, into: &pieces),
            buildLeg(client, &writer, hasBody: true)
        else {
            answer(client, .noBufferSpace)
            return
        }
        client.pointee.head.free()
        perform(client.pointee.life.handle(.begin(disaggregated: true)), client)
    }

    /// Completes a head with the length of the body that `pieces` describe, and makes the leg ready to be sent.
    func buildLeg(_ client: UnsafeMutablePointer<Client>, _ writer: inout HeadWriter, hasBody: Bool) -> Bool {
        if hasBody {
            writer.append("content-length: ")
            writer.append(decimal: UInt64(pieces.totalBytes))
            writer.append("\r\n")
        }
        writer.append("\r\n")
        guard !writer.overflowed else { return false }
        return client.pointee.outgoing.build(
            head: UnsafeRawBufferPointer(start: scratch.baseAddress, count: writer.count), body: pieces)
    }

    private func releaseBody(_ client: UnsafeMutablePointer<Client>) {
        spareBody.give(&client.pointee.body, now: now)
        discharge(client)
    }

    // MARK: Answers that need no engine

    private func answerHealth(_ client: UnsafeMutablePointer<Client>) {
        push("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n")
        pushConnectionField(client)
        push("\r\n")
        client.pointee.answered = true
        client.pointee.status = 200
        if flush(client) { finishRequest(client) }
    }

    /// Gathers `connection: close`, or what keeps an HTTP/1.0 client's connection open.
    func pushConnectionField(_ client: UnsafeMutablePointer<Client>) {
        if client.pointee.closeAfter {
            push("connection: close\r\n")
        } else if client.pointee.minorVersion == 0 {
            push("connection: keep-alive\r\n")
        }
    }

    /// Answers a request that was read whole with an error of ours; the connection goes on.
    func answer(_ client: UnsafeMutablePointer<Client>, _ error: ErrorAnswer, detail: String = "") {
        stripe.add(error.status >= 500 ? .errorsLimit : .errorsClient)
        if sendError(client, error, detail: detail) { finishRequest(client) }
    }
}
