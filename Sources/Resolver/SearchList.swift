/// Which whole names a name may stand for, in the order in which they are asked for (resolv.conf(5), `search` and
/// `ndots`).
enum SearchList {
    /// Never empty; never the same name twice.
    static func candidates(for name: HostName, _ configuration: ResolvConf) -> [DomainName] {
        if name.isAbsolute { return [name.domain] }
        var all = configuration.search.compactMap(name.domain.within)
        let dots = name.domain.depth - 1
        all.insert(name.domain, at: dots >= configuration.ndots ? 0 : all.count)
        var seen: Set<DomainName> = []
        return all.filter { seen.insert($0).inserted }
    }
}
