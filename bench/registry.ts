/** A benchmark of `npm run bench`. Its module is loaded when it runs, so that one of them needs only what it measures. */
export interface Bench {
  readonly name: string
  readonly what: string
  /** Figures to print as JSON; rejects with what is missing when it cannot measure on this machine. */
  run(options: BenchOptions): Promise<unknown>
}

export interface BenchOptions {
  readonly quick: boolean
  /** Told what is measured next, where that takes minutes. */
  readonly report: (step: string) => void
}

/** In the order they run. */
export const BENCHES: readonly Bench[] = [
  {
    name: 'gossip',
    what: 'gossip nodes over loopback QUIC: throughput and latency',
    run: async (options) => (await import('./gossip.ts')).benchGossip(options.quick ? { messages: 5_000, pings: 200 } : {}),
  },
  {
    name: 'gossip.vs_rust',
    what: 'two of our nodes beside two Rust nodes (needs cargo)',
    run: async (options) => (await import('./gossip-vs-rust.ts')).benchGossipVsRust(options),
  },
  {
    name: 'blobs.hash',
    what: 'BLAKE3 with outboard beside other implementations',
    run: async (options) => (await import('./blobs-hash.ts')).benchBlobHash(options),
  },
  {
    name: 'blobs.fetch',
    what: 'fetching a file over loopback beside raw stream reads and a Rust peer; event loop and memory meanwhile',
    run: async (options) => (await import('./blobs-fetch.ts')).benchBlobFetch(options),
  },
  {
    name: 'blobs.serve',
    what: 'importing a large file and serving it, to one and to four Rust peers (needs cargo): event loop and memory meanwhile',
    run: async (options) => (await import('./blobs-serve.ts')).benchBlobServe(options),
  },
  {
    name: 'blobs.flood',
    what: 'blobs an honest peer gets while others flood the provider with junk',
    run: async (options) => (await import('./blobs-flood.ts')).benchBlobFlood(options),
  },
  {
    name: 'jobs',
    what: 'job queues on the embedded database',
    run: async (options) => (await import('./jobs.ts')).benchJobs(options),
  },
  {
    name: 'pipeline',
    what: 'message pipeline on the embedded database, destinations in the process',
    run: async (options) => (await import('./pipeline.ts')).benchPipeline(options),
  },
  {
    name: 'bridge',
    what: 'a whole gateway between fake Discord and fake Telegram: burst, steady load, isolation of lanes, limits, recovery',
    run: async (options) => (await import('./bridge.ts')).benchBridge(options),
  },
  {
    name: 'rules',
    what: 'the rules engine: bars P1 to P15 of its specification',
    run: async (options) => (await import('./rules-bars.ts')).benchRuleBars(options),
  },
  {
    name: 'docs',
    what: 'documents: reconciliation beside Rust nodes, inserts, fingerprints, looks at folders',
    run: async (options) => (await import('./docs.ts')).benchDocs(options),
  },
  {
    name: 'process',
    what: 'start-up time, memory and idle cost of the gateway process',
    run: async (options) => (await import('./process.ts')).benchProcess(options),
  },
]
