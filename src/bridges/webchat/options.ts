import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import type { BridgeSink } from '../port.ts'
import type { ChatFiles } from './files.ts'
import type { ErrorCode } from './protocol.ts'
import type { WebChatStore } from './store.ts'

export interface WebChatBridgeOptions {
  readonly sink: BridgeSink
  readonly store: WebChatStore
  readonly log: Logger
  /** Rooms people can choose, in the order shown. Asked anew for every page. */
  readonly rooms: () => readonly string[]
  /** Account name of places; default `main`. */
  readonly account?: string
  /** Messages a page gets when it joins; default 200. */
  readonly history?: number
  /** Pages at once, in all and from one address; default 200 and 20. */
  readonly maxSessions?: number
  readonly maxSessionsPerAddress?: number
  /** Lets people upload files and see those of others; without, files are only named. */
  readonly files?: ChatFiles
  readonly clock?: Clock
  readonly rng?: Rng
}

export interface WebChatStats {
  readonly sessions: number
  readonly rooms: number
  readonly received: number
  readonly delivered: number
  /** Operations refused, by code. */
  readonly refused: Readonly<Partial<Record<ErrorCode, number>>>
}
