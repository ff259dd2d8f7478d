import { LabRun } from './lab-run.ts'
import { PeerProcess } from './peer-process.ts'
import type { Direction, Figures, Scenario } from './scenario.ts'

export type Status = 'passed' | 'failed' | 'pending' | 'skipped'

export interface Result {
  readonly scenario: Scenario
  readonly direction: Direction
  readonly status: Status
  /** Why it did not pass. */
  readonly reason?: string
  readonly figures?: Figures
  readonly seconds: number
}

export interface RunnerOptions {
  readonly binary: string
  readonly jobs: number
  /** Whether what failed is tried once more; the report names it. */
  readonly secondTry: boolean
  readonly onResult: (result: Result) => void
}

interface Task {
  readonly scenario: Scenario
  readonly direction: Direction
}

const LIMIT_MS = 60_000
/** Scenarios that mostly wait need no core of their own. */
const WAITERS = 6

/** Runs all scenarios in all directions: the waiting ones beside the others, the measuring ones alone at the end. */
export async function runAll(scenarios: readonly Scenario[], options: RunnerOptions): Promise<Result[]> {
  const skips = new Map<Scenario, string | undefined>()
  for (const scenario of scenarios) if (scenario.skip !== undefined) skips.set(scenario, await scenario.skip())
  const offers = await offersOfTs(options.binary)
  const tasks = scenarios.flatMap((scenario) => scenario.directions.map((direction): Task => ({ scenario, direction })))
  const results = new Map<Task, Result>()
  const run = async (task: Task): Promise<void> => {
    const known = { skip: skips.get(task.scenario), isPending: isPending(task, offers) }
    let result = await runOne(task, options.binary, known)
    options.onResult(result)
    if (result.status === 'failed' && options.secondTry) {
      const first = result.reason
      result = await runOne(task, options.binary, known)
      if (result.status === 'passed') result = { ...result, reason: `passed at the second try; the first: ${first}` }
      options.onResult(result)
    }
    results.set(task, result)
  }
  const pick = (wanted: (s: Scenario) => boolean): Task[] => tasks.filter(({ scenario }) => wanted(scenario))
  await Promise.all([
    inParallel(
      pick((s) => s.alone !== true && s.waits === true),
      WAITERS,
      run,
    ),
    inParallel(
      pick((s) => s.alone !== true && s.waits !== true),
      options.jobs,
      run,
    ),
  ])
  await inParallel(
    pick((s) => s.alone === true),
    1,
    run,
  )
  return tasks.flatMap((task) => results.get(task) ?? [])
}

/** The parts of our node its test process has commands for. */
async function offersOfTs(binary: string): Promise<readonly string[]> {
  const peer = new PeerProcess({ impl: 'ts', name: 'ts', binary })
  try {
    return (await peer.call<{ offers: string[] }>('hello', {}, 60_000)).offers
  } finally {
    await peer.end()
  }
}

const isPending = ({ scenario, direction }: Task, offers: readonly string[]): boolean =>
  scenario.awaits !== undefined && direction !== 'rust→rust' && !offers.includes(scenario.awaits)

async function inParallel(tasks: readonly Task[], limit: number, run: (task: Task) => Promise<void>): Promise<void> {
  const queue = [...tasks]
  const worker = async (): Promise<void> => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) await run(task)
  }
  await Promise.all(Array.from({ length: limit }, worker))
}

interface Known {
  readonly skip: string | undefined
  readonly isPending: boolean
}

async function runOne({ scenario, direction }: Task, binary: string, known: Known): Promise<Result> {
  const begun = performance.now()
  const done = (status: Status, more: { reason?: string; figures?: Figures } = {}): Result => ({
    scenario,
    direction,
    status,
    ...more,
    seconds: (performance.now() - begun) / 1000,
  })
  if (known.skip !== undefined) return done('skipped', { reason: known.skip })
  if (known.isPending) return done('pending', { reason: `the TypeScript node does not offer ${scenario.awaits} in the lab yet` })
  const lab = new LabRun(binary)
  try {
    const figures = await limited(scenario.run(lab, direction), scenario.limitMs ?? LIMIT_MS)
    await lab.check()
    return done('passed', figures === undefined ? {} : { figures })
  } catch (error) {
    return done('failed', { reason: reasonOf(error) })
  } finally {
    await lab.close()
  }
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/\s+/g, ' ').slice(0, 400)
}

function limited<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished within ${ms / 1000} s`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
