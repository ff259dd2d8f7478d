import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Hash } from '../../../src/core/ids.ts'
import { ModelDevice } from './folder-model.ts'

/** Names of which some are beginnings of others: writing one prunes what the same author has at the longer ones. */
const PATHS = ['a', 'a.md', 'a.md2', 'b', 'b c'] as const
const START = 1_750_464_000_000

type Step =
  | { readonly kind: 'write'; readonly device: number; readonly path: string; readonly content: number }
  | { readonly kind: 'delete'; readonly device: number; readonly path: string }
  | { readonly kind: 'act'; readonly device: number; readonly count: number }
  | { readonly kind: 'pull'; readonly device: number; readonly from: number }

const step = (devices: number): fc.Arbitrary<Step> => {
  const device = fc.nat(devices - 1)
  const path = fc.constantFrom(...PATHS)
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), device, path, content: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), device, path }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('act' as const), device, count: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('pull' as const), device, from: device }) },
  )
}

class World {
  readonly devices: readonly ModelDevice[]
  readonly #texts = new Map<Hash, string>()
  now = START
  /** Contents that somebody wrote and did not overwrite or delete themselves. */
  readonly #kept = new Map<string, string>()
  readonly #skew: readonly number[]

  constructor(count: number, skew: readonly number[]) {
    this.devices = Array.from({ length: count }, (_, i) => new ModelDevice(i + 1, this.#texts))
    this.#skew = skew
  }

  run(steps: readonly Step[]): void {
    for (const s of steps) {
      this.now += 1_500
      const device = this.devices[s.device] as ModelDevice
      if (s.kind === 'write') this.#write(device, s.path, `${s.content}`)
      else if (s.kind === 'delete') this.#delete(device, s.path)
      else if (s.kind === 'act') device.act(this.#clockOf(device), s.count)
      else device.pull(this.devices[s.from] as ModelDevice)
    }
  }

  /** Everybody talks to everybody until nothing changes. */
  settle(): void {
    for (let round = 0; round < 30; round++) {
      this.now += 60_000
      let acted = 0
      for (const device of this.devices) for (const other of this.devices) device.pull(other)
      for (const device of this.devices) acted += device.act(this.#clockOf(device))
      if (acted === 0) return
    }
    throw new Error('it does not come to rest')
  }

  /** Contents nobody can find any more. */
  lost(): string[] {
    const there = new Set<string>()
    for (const device of this.devices) {
      for (const { text } of device.files.values()) there.add(text)
      for (const text of device.trash) there.add(text)
    }
    return [...this.#kept.values()].filter((text) => !there.has(text))
  }

  #clockOf(device: ModelDevice): number {
    return this.now + (this.#skew[this.devices.indexOf(device)] ?? 0)
  }

  #write(device: ModelDevice, path: string, content: string): void {
    const slot = `${this.devices.indexOf(device)} ${path}`
    const text = `${slot} ${content}`
    this.#kept.set(slot, text)
    device.write(path, text, this.#clockOf(device))
  }

  #delete(device: ModelDevice, path: string): void {
    device.remove(path)
    this.#kept.delete(`${this.devices.indexOf(device)} ${path}`)
  }
}

function check(count: number, steps: readonly Step[], skew: readonly number[]): void {
  const world = new World(count, skew)
  world.run(steps)
  world.settle()
  const [first, ...others] = world.devices.map((device) => [...device.files].map(([path, f]) => `${path}: ${f.text}`).sort())
  for (const other of others) expect(other).toEqual(first)
  expect(world.lost()).toEqual([])
  const published = world.devices.map((device) => device.published)
  world.settle()
  for (const device of world.devices) expect(device.plan(world.now + 3_600_000)).toEqual([])
  expect(world.devices.map((device) => device.published)).toEqual(published)
}

describe('folders of several devices', () => {
  for (const count of [2, 3]) {
    it(`${count} devices end with the same files, lose nothing and then publish nothing, whatever happens in between`, () => {
      fc.assert(
        fc.property(
          fc.array(step(count), { maxLength: 40 }),
          fc.array(fc.integer({ min: -200_000, max: 200_000 })),
          (steps, skew) => check(count, steps, skew),
        ),
        { numRuns: 400 },
      )
    })
  }

  it('one device deletes, the other has changed nothing: gone on both, and it stays gone', () => {
    const world = new World(2, [])
    world.run([{ kind: 'write', device: 0, path: 'a', content: 1 }])
    world.settle()
    expect(world.devices[1]?.files.get('a')?.text).toBe('0 a 1')
    world.run([{ kind: 'delete', device: 1, path: 'a' }])
    world.settle()
    expect(world.devices.map((device) => device.files.size)).toEqual([0, 0])
    expect(world.devices[0]?.trash).toEqual(['0 a 1'])
  })
})
