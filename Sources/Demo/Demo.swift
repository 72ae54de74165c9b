/// The demo from start to end.
enum Demo {
    /// Returns the exit code: 0, 1 where a step failed, 130 where Ctrl-C ended the story before its end.
    static func run(_ options: Options) -> Int32 {
        let console = Console(plain: options.plain)
        let stage: Stage
        do {
            stage = try Stage(console: console, interrupt: try Interrupt.install())
        } catch {
            console.problem("\(error)")
            return 1
        }
        var code: Int32 = 0
        do {
            try play(options, stage)
        } catch is Interrupted {
            console.problem("interrupted")
            code = 130
        } catch {
            console.problem("\(error)\n  routing-sidecar's last log lines:\n  \(stage.tail(of: stage.sidecarLog))")
            code = 1
        }
        let problems = stage.stop()
        for problem in problems { console.problem(problem) }
        if problems.isEmpty { console.line("\nEverything is stopped; no process is left.") }
        return code == 0 && !problems.isEmpty ? 1 : code
    }

    private static func play(_ options: Options, _ stage: Stage) throws {
        try stage.start()
        let scenes = Scenes(stage: stage)
        try scenes.introduce()
        try scenes.disaggregatedRequest()
        try scenes.gracefulRestart()
        if options.once { return }
        // The person reads the story before the live view takes the screen.
        if stage.console.isRich {
            try stage.interrupt.sleep(milliseconds: 4000)
            stage.console.put("\u{1b}[2J")
        }
        let tally = try LiveView(stage: stage, seconds: options.seconds).run()
        let cut = tally.cut > 0 ? ", \(tally.cut) cut off by the end of the demo" : ""
        stage.console.line("\nThe load: \(tally.sent) sent, \(tally.correct) right, \(tally.failed) failed\(cut).")
    }
}
