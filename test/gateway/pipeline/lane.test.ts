import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SendOutcome } from '../../../src/bridges/port.ts'
import { type LaneItem, LaneMachine } from '../../../src/gateway/pipeline/lane.ts'
import { judge, type NextState } from '../../../src/gateway/pipeline/outcomes.ts'

const FINAL: readonly string[] = ['done', 'dead', 'cancelled', 'expired']

/** `expect` is too slow for millions of checks. */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

interface Row extends LaneItem {
  state: NextState['state'] | 'leased'
  notBefore: number
}

const WINDOW = 16
const HEAD_TIMEOUT_MS = 5_000

/** The lane's rows as the database would hold them, with the two statements the machine asks for. */
class Table {
  readonly rows: Row[] = []
  /** Stored with the lease; what a new holder begins with. */
  headSeq = 0

  add(barrier: boolean): void {
    const seq = this.rows.length + 1
    this.rows.push({
      id: `d${seq}`,
      seq,
      barrier,
      attempt: 0,
      sentAt: 0,
      ambiguousSince: null,
      failedSince: null,
      parkedAt: null,
      state: 'pending',
      notBefore: 0,
    })
  }

  record(id: string, next: NextState): void {
    const at = this.rows.findIndex((r) => r.id === id)
    const row = this.rows[at] as Row
    must(row.state === 'leased', `${id} is recorded as ${next.state} without being claimed`)
    this.rows[at] = { ...row, ...next, sentAt: 0 }
  }

  claim(n: number, now: number, head: number, anew = false): { items: Row[]; nextAt: number | null } {
    const open = this.rows.filter((r) =>
      r.parkedAt === null
        ? r.seq >= head && (r.state === 'pending' || r.state === 'ambiguous' || (anew && r.state === 'leased'))
        : (r.state === 'parked' && r.notBefore <= now) || (anew && r.state === 'leased'),
    )
    const items: Row[] = []
    for (const row of open.slice(0, n)) {
      if (row.notBefore > now && row.state !== 'leased') return { items, nextAt: row.notBefore }
      const ambiguousSince = row.state === 'leased' ? (row.ambiguousSince ?? row.sentAt) : row.ambiguousSince
      const leased: Row = { ...row, ambiguousSince, state: 'leased', sentAt: now }
      this.rows[row.seq - 1] = leased
      items.push(leased)
    }
    return { items, nextAt: null }
  }

  /** What a new holder does with claims of the old one that it did not take at once. */
  recover(except: readonly Row[]): void {
    this.rows.forEach((row, at) => {
      if (row.state !== 'leased' || except.some((e) => e.id === row.id)) return
      const state = row.parkedAt === null ? 'ambiguous' : 'parked'
      this.rows[at] = { ...row, state, ambiguousSince: row.ambiguousSince ?? row.sentAt, sentAt: 0 }
    })
  }

  get final(): boolean {
    return this.rows.every((r) => FINAL.includes(r.state))
  }
}

type Choice = 'add' | 'wake' | 'send-ends' | 'step-ends' | 'time' | 'renew' | 'crash'
interface Script {
  readonly choices: readonly Choice[]
  readonly outcomes: readonly SendOutcome['kind'][]
  readonly barriers: readonly boolean[]
  /** How many are sent together with each that is sent. */
  readonly along: readonly number[]
  /** Claims at once. */
  readonly gather: number
}

const outcomeOf = (kind: SendOutcome['kind']): SendOutcome => {
  if (kind === 'done') return { kind, parts: [] }
  if (kind === 'later') return { kind, afterMs: 700 }
  if (kind === 'rate-limited') return { kind, afterMs: 700, scope: 'lane' }
  return { kind, code: 'X', message: 'x' }
}

/** Plays a script against machine and table, then lets everything end well; answers what was sent, in order. */
function play(script: Script): { sent: number[]; table: Table; inDoubt: number } {
  let machine = new LaneMachine<Row>(WINDOW)
  let holds = false
  const table = new Table()
  const sent: number[] = []
  let now = 1_000
  let inflight: Row | undefined
  let along: readonly Row[] = []
  let step: { results: readonly { item: Row; next: NextState }[]; claim: number } | undefined
  const decided = new Map<string, NextState['state']>()
  let unrecorded = 0
  let inDoubt = 0
  let outcomes = 0

  const drive = (): void => {
    for (let action = machine.next(now); action !== undefined; action = machine.next(now)) {
      if (action.kind === 'send') {
        must(inflight === undefined, 'two in flight')
        const { item } = action
        // Marked before it is sent, and nothing that must come first is still open.
        must(table.rows[item.seq - 1]?.state === 'leased', 'sent without a claim')
        for (const earlier of table.rows.slice(0, item.seq - 1)) {
          const state = decided.get(earlier.id) ?? earlier.state
          must(FINAL.includes(state) || state === 'parked', `${item.seq} overtakes ${earlier.seq}`)
        }
        must(unrecorded < machine.window, 'too many unrecorded')
        must(!item.barrier || unrecorded === 0, 'barrier ignored')
        inflight = item
        decided.delete(item.id)
        // Some are sent together with those behind them, as one message.
        const together = script.along[sent.length % script.along.length] ?? 0
        const barrier = machine.behind.findIndex((other) => other.barrier)
        along = machine.takeAlong(item.barrier ? 0 : Math.min(together, barrier < 0 ? together : barrier))
        inDoubt = Math.max(inDoubt, unrecorded + 1 + along.length)
        sent.push(item.seq, ...along.map((other) => other.seq))
      } else {
        must(step === undefined, 'two steps at once')
        step = action
      }
    }
  }
  const endSend = (kind: SendOutcome['kind']): void => {
    if (inflight === undefined) return
    const item = inflight
    inflight = undefined
    const context = { now, unit: 0.5, headTimeoutMs: HEAD_TIMEOUT_MS }
    const verdict = judge(outcomeOf(kind), item, context)
    const others = along.map((other) => judge(outcomeOf(kind), other, context).next)
    for (const [i, { id }] of [item, ...along].entries()) decided.set(id, [verdict.next, ...others][i]?.state ?? 'pending')
    unrecorded += 1 + along.length
    along = []
    machine.finished(verdict, kind === 'done' ? 1 : 50, now, others)
  }
  const endStep = (): void => {
    if (step === undefined) return
    const { results, claim } = step
    step = undefined
    for (const { item, next } of results) {
      if (decided.has(item.id)) unrecorded--
      decided.delete(item.id)
      table.record(item.id, next)
    }
    const asked = holds ? claim : Math.max(1, claim)
    if (!holds) machine.startAt(table.headSeq)
    const { items, nextAt } = table.claim(asked, now, machine.head, !holds)
    if (!holds) table.recover(items)
    holds = true
    machine.claimed(items, nextAt, asked)
    renew()
  }
  /** The floor may be stored at any time; nothing below it may be open then or ever after. */
  const renew = (): void => {
    if (!holds) return
    table.headSeq = Math.max(table.headSeq, machine.floor)
    for (const row of table.rows.filter((r) => r.seq < table.headSeq)) {
      must(FINAL.includes(row.state) || row.parkedAt !== null, `${row.seq} is open below the floor ${table.headSeq}`)
    }
  }
  const crash = (): void => {
    // What was under way may have happened or not: here the step did not, the send is in doubt.
    machine = new LaneMachine<Row>(WINDOW)
    machine.gather(script.gather)
    holds = false
    inflight = undefined
    along = []
    step = undefined
    unrecorded = 0
    decided.clear()
  }

  machine.gather(script.gather)
  for (const choice of script.choices) {
    if (choice === 'add') table.add(script.barriers[table.rows.length % script.barriers.length] ?? false)
    if (choice === 'wake') machine.wake()
    if (choice === 'time') now += 400
    if (choice === 'send-ends') endSend(script.outcomes[outcomes++ % script.outcomes.length] ?? 'done')
    if (choice === 'step-ends') endStep()
    if (choice === 'renew') renew()
    if (choice === 'crash') crash()
    drive()
  }
  for (let i = 0; i < 20_000 && !(table.final && inflight === undefined && step === undefined && unrecorded === 0); i++) {
    machine.wake()
    endSend('done')
    drive()
    endStep()
    drive()
    now += 100
  }
  return { sent, table, inDoubt }
}

const kinds = fc.constantFrom<SendOutcome['kind']>(
  ...(['done', 'done', 'done', 'not-sent', 'ambiguous', 'rate-limited', 'later', 'permanent'] as const),
)
const scripts: fc.Arbitrary<Script> = fc.record({
  choices: fc.array(
    fc.oneof(
      {
        weight: 30,
        arbitrary: fc.constantFrom<Choice>('add', 'add', 'wake', 'send-ends', 'send-ends', 'step-ends', 'step-ends', 'time'),
      },
      { weight: 3, arbitrary: fc.constant<Choice>('renew') },
      { weight: 1, arbitrary: fc.constant<Choice>('crash') },
    ),
    {
      minLength: 5,
      maxLength: 200,
    },
  ),
  outcomes: fc.array(kinds, { minLength: 1, maxLength: 30 }),
  barriers: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
  along: fc.array(fc.constantFrom(0, 0, 1, 5), { minLength: 1, maxLength: 5 }),
  gather: fc.constantFrom(0, 0, 10),
})

describe('lane machine', () => {
  it('keeps order, one in flight, and every result recorded, whatever happens', () => {
    fc.assert(
      fc.property(scripts, (script) => {
        const { table } = play(script)
        expect(table.rows.filter((r) => !['done', 'dead'].includes(r.state))).toEqual([])
      }),
      { numRuns: 2_000 },
    )
  })

  it('records each send to a slow destination at once, beside the next one', () => {
    const machine = new LaneMachine<Row>(WINDOW)
    const table = new Table()
    for (let i = 0; i < 20; i++) table.add(false)
    let now = 0
    let sent = 0
    const steps: number[] = []
    while (!table.final) {
      const action = machine.next(now)
      if (action?.kind === 'send') {
        sent++
        const before = action.item
        // While it is on its way, the one before is recorded and the next one claimed.
        for (let step = machine.next(now); step?.kind === 'step'; step = machine.next(now)) {
          steps.push(step.results.length)
          for (const { item, next } of step.results) table.record(item.id, next)
          machine.claimed(table.claim(step.claim, now, machine.head).items, null, step.claim)
        }
        now += 50
        machine.finished(judge({ kind: 'done', parts: [] }, before, { now, unit: 0, headTimeoutMs: HEAD_TIMEOUT_MS }), 50, now)
      } else if (action?.kind === 'step') {
        steps.push(action.results.length)
        for (const { item, next } of action.results) table.record(item.id, next)
        machine.claimed(table.claim(action.claim, now, machine.head).items, null, action.claim)
      } else break
    }
    expect(sent).toBe(20)
    expect(Math.max(...steps)).toBe(1)
    expect(machine.window).toBe(2)
  })

  it('lets a fast destination run ahead of its commits by at most the window', () => {
    const { inDoubt, sent } = play({
      choices: [
        ...Array<Choice>(60).fill('add'),
        ...Array.from({ length: 400 }, (_, i) => (i % 6 === 5 ? 'step-ends' : 'send-ends') as Choice),
      ],
      outcomes: ['done'],
      barriers: [false],
      along: [0],
      gather: 0,
    })
    expect(sent).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    expect(inDoubt).toBeGreaterThan(1)
    expect(inDoubt).toBeLessThanOrEqual(WINDOW)
  })

  it.each([
    { careful: 'two at most where a crash repeats what was not recorded', window: undefined, most: 2 },
    { careful: 'no more than it is told to', window: 7, most: 7 },
  ])('risks $careful', ({ window, most: allowed }) => {
    const machine = new LaneMachine<Row>(WINDOW)
    machine.beCareful(window)
    const table = new Table()
    for (let i = 0; i < 60; i++) table.add(false)
    let unrecorded = 0
    let most = 0
    for (let i = 0; i < 600 && !table.final; i++) {
      // A destination this fast sends many within the same millisecond.
      const now = Math.floor(i / 100)
      const action = machine.next(now)
      if (action?.kind === 'send') {
        most = Math.max(most, ++unrecorded)
        machine.finished(judge({ kind: 'done', parts: [] }, action.item, { now, unit: 0, headTimeoutMs: 1 }), 0, now)
      } else if (action?.kind === 'step') {
        for (const { item, next } of action.results) table.record(item.id, next)
        unrecorded -= action.results.length
        machine.claimed(table.claim(action.claim, now, machine.head).items, null, action.claim)
      }
    }
    expect(table.final).toBe(true)
    expect(most).toBe(allowed)
  })

  it('gives everything back when it is stopped', () => {
    const machine = new LaneMachine<Row>(WINDOW)
    const table = new Table()
    for (let i = 0; i < 3; i++) table.add(false)
    const first = machine.next(0)
    if (first?.kind !== 'step') throw new Error('expected a step')
    machine.stop()
    machine.claimed(table.claim(first.claim, 0, 0).items, null, first.claim)
    const last = machine.next(0)
    expect(last).toMatchObject({ kind: 'step', claim: 0, results: [{ next: { state: 'pending', attempt: 0 } }] })
    machine.claimed([], null, 0)
    expect(machine.next(0)).toBeUndefined()
    expect(machine.rest(0)).toEqual({ kind: 'idle' })
  })
})
