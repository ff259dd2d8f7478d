import type { LabNode } from './lab-node.ts'
import type { Impl } from './peer-process.ts'

/**
 * Who acts on whom. `mixed`: three nodes of each kind. `raw`: a bare QUIC client against one node.
 * The first one named joins, dials, sends or asks; `rust→rust` proves the Rust peer and gives the figures to compare with.
 */
export type Direction = 'ts→rust' | 'rust→ts' | 'rust→rust' | 'mixed' | 'raw→rust' | 'raw→ts'

/** Parts of the TypeScript node that are built by other issues; scenarios that need them are pending until they exist. */
export type Part = 'blobs' | 'docs' | 'invite' | 'dm'

/** What a scenario measured, for the report. */
export interface Figures {
  readonly [name: string]: string | number
}

export interface Scenario {
  readonly name: string
  readonly what: string
  readonly directions: readonly Direction[]
  /** A missing command of the TypeScript node makes the scenario pending instead of failing. */
  readonly awaits?: Part
  /** Most of its time is waiting: starts first, beside others. */
  readonly waits?: boolean
  /** Measures: runs alone, after the others. */
  readonly alone?: boolean
  readonly limitMs?: number
  /** The reason why it cannot run here, if so. */
  readonly skip?: () => Promise<string | undefined>
  run(lab: Lab, direction: Direction): Promise<Figures | undefined>
}

/** The nodes of one scenario run. All are ended with it. */
export interface Lab {
  /** Starts and binds a node. */
  node(impl: Impl, options?: NodeOptions): Promise<LabNode>
  /** A topic nobody else uses. */
  topic(): string
  /** Path of a folder of this run, removed afterwards. */
  folder(): Promise<string>
  /** Runs when the scenario is over, in reverse order; for what the lab does not know of. */
  defer(cleanup: () => Promise<void>): void
  /** The Rust node may report malformed frames: the scenario sends some on purpose. */
  expectBadFrames(): void
}

export interface NodeOptions {
  readonly name?: string
  readonly bind?: import('./lab-node.ts').BindOptions
  /** Not bound yet. */
  readonly unbound?: boolean
  readonly wrapper?: readonly string[]
}

export const sides = (direction: Direction): readonly [Impl, Impl] => {
  const [a, b] = direction.split('→')
  return [a === 'rust' ? 'rust' : 'ts', b === 'rust' ? 'rust' : 'ts']
}

/** Both directions between the implementations, and Rust alone as the control. */
export const ALL_PAIRS = ['ts→rust', 'rust→ts', 'rust→rust'] as const
export const BOTH_WAYS = ['ts→rust', 'rust→ts'] as const
