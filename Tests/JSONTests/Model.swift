/// What the plans have to come to, worked out on trees of the reference parser: the obvious way, which loses the bytes.
enum Model {
    static func isHostile(_ member: Tree.Member) -> Bool {
        let name = member.text
        return name == "kv_transfer_params" || name == "ec_transfer_params" || name.hasPrefix("do_remote_")
            || name.hasPrefix("remote_") || name.hasPrefix("bootstrap_")
    }

    /// A body without its hostile members.
    static func passThrough(_ body: Tree) -> Tree {
        switch body {
        case .object: request(body)
        case .array(let elements): .array(elements.map(request))
        default: body
        }
    }

    private static func request(_ tree: Tree) -> Tree {
        filter(tree) { member in
            switch member.text {
            case "vllm_xargs", "extra_args": filter(member.value)
            case "sampling_params":
                filter(member.value) { $0.text == "extra_args" ? filter($0.value) : $0.value }
            default: member.value
            }
        }
    }

    private static func filter(_ tree: Tree, _ inside: (Tree.Member) -> Tree = { $0.value }) -> Tree {
        guard let members = tree.members else { return tree }
        return .object(
            members.filter { !isHostile($0) }.map { member in
                var kept = member
                kept.value = inside(member)
                return kept
            })
    }

    static let edited = ["stream", "max_tokens", "max_completion_tokens", "min_tokens"]

    /// The body of a prefill leg, for a body that is an object.
    static func prefill(_ body: Tree) -> Tree {
        var members = (passThrough(body).members ?? []).filter { $0.text != "stream_options" }
        for name in edited {
            let value: Tree = name == "stream" ? .bool(false) : .number("1")
            if let k = members.firstIndex(where: { $0.text == name }) {
                members[k].value = value
            } else {
                members.append(Tree.Member(name, value))
            }
        }
        let parameters = [
            ("do_remote_decode", Tree.bool(true)), ("do_remote_prefill", .bool(false)), ("remote_engine_id", .null),
            ("remote_block_ids", .null), ("remote_host", .null), ("remote_port", .null),
        ]
        let value = parameters.map { Tree.Member($0.0, $0.1) }
        members.append(Tree.Member("kv_transfer_params", .object(value)))
        return .object(members)
    }

    /// The body of a decode leg, for a body that is an object.
    static func decode(_ body: Tree, handoff: Tree) -> Tree {
        .object((passThrough(body).members ?? []) + [Tree.Member("kv_transfer_params", handoff)])
    }

    /// How many hostile members a body has; those inside a hostile member go with it.
    static func hostileCount(_ body: Tree) -> Int {
        requests(body).reduce(0) { $0 + objects($1).reduce(0) { $0 + $1.filter(isHostile).count } }
    }

    /// Whether a scan has to refuse the body for a duplicate.
    static func hasDuplicates(_ body: Tree) -> Bool {
        requests(body).contains { request in
            let repeatsPlace = ["vllm_xargs", "sampling_params", "extra_args"].contains { repeats(request, $0) }
            let sampling = request["sampling_params"] ?? .null
            return repeatsPlace || repeats(sampling, "extra_args")
                || objects(request).contains { members in
                    let names = members.filter(isHostile).map(\.name)
                    return Set(names).count != names.count
                }
        }
    }

    /// Whether a strict scan has to refuse the body as well.
    static func hasEditedDuplicates(_ body: Tree) -> Bool {
        (edited + ["stream_options"]).contains { repeats(body, $0) }
    }

    private static func repeats(_ tree: Tree, _ name: String) -> Bool {
        (tree.members ?? []).filter { $0.text == name }.count > 1
    }

    private static func requests(_ body: Tree) -> [Tree] {
        if case .array(let elements) = body { return elements }
        return [body]
    }

    /// The members of every object of a request that is looked into.
    private static func objects(_ request: Tree) -> [[Tree.Member]] {
        let sampling = request["sampling_params"] ?? .null
        let places = [request, request["vllm_xargs"], request["extra_args"], sampling, sampling["extra_args"]]
        return places.compactMap { $0?.members }
    }
}
