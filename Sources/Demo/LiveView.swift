import Glibc

/// The live part: the processes and the traffic, once a second, under a gentle load.
struct LiveView {
    let stage: Stage
    let seconds: Int
    private var console: Console { stage.console }

    init(stage: Stage, seconds: Int) {
        self.stage = stage
        self.seconds = seconds
    }

    /// Runs until Ctrl-C, or for the given time. Returns what went wrong in the load.
    func run() throws -> Load.Tally {
        console.title("3. Live, under two requests a second")
        let load = try Load(stage: stage)
        if console.isRich { console.put("\u{1b}[?25l") }
        defer { if console.isRich { console.put("\u{1b}[?25h\n") } }
        do {
            try loop(load)
        } catch is Interrupted {
            // The ordinary end.
        }
        let deadline = monotonicMS() + 5000
        while load.tally.running > 0, monotonicMS() < deadline { usleep(20_000) }
        return load.tally
    }

    private func loop(_ load: Load) throws {
        let end = seconds > 0 ? monotonicMS() + seconds * 1000 : Int.max
        var next = monotonicMS()
        var drawnAt = Int.min
        let interval = console.isRich ? 1000 : 2000
        while monotonicMS() < end {
            load.sendOne()
            if monotonicMS() &- drawnAt >= interval - 100 || drawnAt == Int.min {
                drawnAt = monotonicMS()
                try draw(load.tally)
            }
            next = max(next + 500, monotonicMS() - 500)
            try stage.interrupt.sleep(milliseconds: max(0, next - monotonicMS()))
        }
    }

    private func draw(_ tally: Load.Tally) throws {
        let status: Status
        let metrics: Metrics
        do {
            status = try stage.status()
            metrics = try stage.metrics()
        } catch let error where !(error is Interrupted) {
            // The person at the terminal may just have stopped something; the view goes on.
            console.line(console.styled("no status at the moment: \(error)", .bad))
            return
        }
        let page = Page(console: console, stage: stage, status: status, metrics: metrics, tally: tally)
        guard console.isRich else { return console.line(page.summary) }
        let size = SystemCalls.terminalSize() ?? (columns: 100, rows: 40)
        let all = page.lines
        // The last line is a long command to copy: it may wrap where the screen has room below.
        let mayWrap = all.count + 3 < size.rows
        let lines = all.prefix(size.rows - 1).enumerated().map { index, line in
            (mayWrap && index == all.count - 1 ? line : page.clipped(line, size.columns)) + "\u{1b}[K"
        }
        console.put("\u{1b}[H" + lines.joined(separator: "\n") + "\u{1b}[J")
    }
}
