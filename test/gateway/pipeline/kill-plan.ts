import type { Place } from '../../../src/bridges/model/place.ts'
import type { RouteDefinition } from '../../../src/gateway/pipeline/index.ts'
import { discord, route, telegram } from './scripted.ts'

/** One line of the outside world's journal. */
export interface Journaled {
  readonly channel: string
  readonly id: string
  readonly idemKey: string
  readonly text: string
  /** The pipeline said that it may have been sent before. */
  readonly doubtful: boolean
}

export const KILL_SOURCES: readonly Place[] = [telegram('-1', 'in'), telegram('-2', 'in'), telegram('-3', 'in')]
/** Lanes that recognise what they sent, and lanes that cannot. */
export const REMEMBERING = ['600000000000000001', '600000000000000002', '600000000000000003']
export const FORGETFUL = ['-61', '-62']

const target = (channel: string): Place => (channel.startsWith('-') ? telegram(channel, 'out') : discord(channel))
const out = (source: number, channels: readonly string[]): RouteDefinition => ({
  ...route(`r${source}`, []),
  members: [
    { place: KILL_SOURCES[source] as Place, direction: 'in', identity: 'webhook' },
    ...channels.map((channel) => ({ place: target(channel), direction: 'out' as const, identity: 'webhook' as const })),
  ],
})

/** Sources per lane: [0], [0, 1], [2] that remember, [0, 2] and [1] that do not. */
export const KILL_ROUTES: readonly RouteDefinition[] = [
  out(0, [REMEMBERING[0] as string, REMEMBERING[1] as string, FORGETFUL[0] as string]),
  out(1, [REMEMBERING[1] as string, FORGETFUL[1] as string]),
  out(2, [REMEMBERING[2] as string, FORGETFUL[0] as string]),
]
export const SOURCES_OF: Readonly<Record<string, readonly number[]>> = {
  [REMEMBERING[0] as string]: [0],
  [REMEMBERING[1] as string]: [0, 1],
  [REMEMBERING[2] as string]: [2],
  [FORGETFUL[0] as string]: [0, 2],
  [FORGETFUL[1] as string]: [1],
}
