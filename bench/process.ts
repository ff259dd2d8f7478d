// Start-up time and idle cost of the real process, in a data directory of its own on loopback.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cpuSecondsOf, rssMiBOf } from './proc-stat.ts'

const COMMAND = fileURLToPath(new URL('../bin/k2gw.mjs', import.meta.url))

interface Started {
  /** From spawn to the line that says it runs, ms. */
  readonly readyMs: number
  readonly rssMiB: number
  /** Share of one core used while nothing happens, percent. */
  readonly idleCpuPercent: number
  /** From SIGTERM to exit, ms. */
  readonly stopMs: number
}

export interface ProcessBench {
  /** With an empty data directory. */
  readonly first: Started
  /** With the data directory of the first start. */
  readonly again: Started
}

async function measure(dataDir: string, idleMs: number): Promise<Started> {
  const begun = performance.now()
  const child = spawn(process.execPath, [COMMAND, '--json', 'run'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, K2_DATA_DIR: dataDir, K2__NODE__MODE: 'loopback', K2__HTTP__PORT: '0', K2__LOG__LEVEL: 'error' },
  })
  const pid = child.pid as number
  const exited = once(child, 'exit')
  try {
    const [line] = (await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      exited.then(() => [undefined]),
    ])) as [string | undefined]
    if (line === undefined) throw new Error('the gateway ended before it was ready')
    const readyMs = performance.now() - begun
    const before = cpuSecondsOf(pid)
    await new Promise((done) => setTimeout(done, idleMs))
    const idleCpuPercent = ((cpuSecondsOf(pid) - before) / (idleMs / 1000)) * 100
    const rssMiB = rssMiBOf(pid)
    const stopping = performance.now()
    child.kill('SIGTERM')
    await exited
    return {
      readyMs: round(readyMs),
      rssMiB: round(rssMiB),
      idleCpuPercent: round(idleCpuPercent),
      stopMs: round(performance.now() - stopping),
    }
  } finally {
    child.kill('SIGKILL')
  }
}

const round = (n: number): number => Math.round(n * 10) / 10

export async function benchProcess(options: { quick?: boolean } = {}): Promise<ProcessBench> {
  const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-bench-'))
  try {
    const idleMs = options.quick ? 2_000 : 10_000
    return { first: await measure(dataDir, 1_000), again: await measure(dataDir, idleMs) }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}
