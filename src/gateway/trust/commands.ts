import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import type { K2Node } from '../../core/index.ts'
import { type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import { parseDuration } from '../config/units.ts'
import { namedPeer } from '../peers/index.ts'
import type { PeerDecision, PeerTrust } from './peer-trust.ts'

const MAX_REASON = 200
const SHOWN = 20

export interface TrustCommandParts {
  readonly trust: PeerTrust
  readonly node: K2Node
  readonly clock: Clock
}

/** Blocking other nodes, and trusting them for a while. */
export function trustCommands({ trust, node, clock }: TrustCommandParts): CommandDefinition[] {
  const decide = (level: PeerDecision['level'], verb: string, summary: string, effect: string): CommandDefinition =>
    defineCommand({
      path: ['peer', verb],
      http: { method: 'POST', path: `/peers/:peer/${verb}` },
      summary,
      role: 'admin',
      confirm: ({ peer, for: time }) => `${peer} ${effect}${time === undefined ? '' : ` for ${time}`}.`,
      arguments: z.object({
        peer: z.string().min(1).max(100),
        for: z.string().max(20).optional(),
        reason: z.string().max(MAX_REASON).optional(),
      }),
      argumentHelp: {
        peer: { summary: 'a node id, or a contact’s name' },
        for: { summary: 'such as 2h or 7d; otherwise until taken back' },
        reason: { summary: 'for the other administrators', rest: true },
      },
      run: async (context, { peer: text, for: time, reason }) => {
        const peer = namedPeer(text, node.contacts())
        const until = untilOf(time, clock.now())
        const decision: PeerDecision = {
          peer,
          level,
          by: context.actor.key,
          at: clock.now(),
          ...(until !== undefined && { until }),
          ...(reason !== undefined && { reason }),
        }
        await trust.decide(decision)
        return answer(line(code(peer), ` ${effect}${until === undefined ? '' : ` until ${dateOf(until)}`}.`), decision)
      },
    })
  return [
    decide('blocked', 'block', 'take nothing from a node any more, nor in its name', 'is blocked'),
    decide('trusted', 'trust', 'treat a node as a configured peer: higher limits, waited for longer', 'is trusted'),
    defineCommand({
      path: ['peer', 'forget'],
      http: { method: 'DELETE', path: '/peers/:peer' },
      summary: 'take back what was decided about a node',
      role: 'admin',
      arguments: z.object({ peer: z.string().min(1).max(100) }),
      argumentHelp: { peer: { summary: 'a node id, or a contact’s name', rest: true } },
      run: async (_context, { peer: text }) => {
        const peer = namedPeer(text, node.contacts())
        if (await trust.forget(peer)) return answer(line('Nothing is decided about ', code(peer), ' any more.'), { peer })
        throw new K2Error({ code: 'PEER_NOT_DECIDED', kind: 'input', message: 'nothing was decided about this node' })
      },
    }),
    defineCommand({
      path: ['peer', 'list'],
      http: { method: 'GET', path: '/peers' },
      summary: 'nodes that are blocked or trusted',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const decisions = await trust.list()
        const shown = decisions.slice(-SHOWN).map((d) => line(bold(d.level), ' ', code(d.peer), detailsOf(d)))
        const more = decisions.length > SHOWN ? `and ${decisions.length - SHOWN} older ones` : undefined
        return answer(shown.length === 0 ? 'Nothing is decided about any node.' : lines(...shown, more), { peers: decisions })
      },
    }),
  ]
}

const dateOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`

const detailsOf = ({ until, reason }: PeerDecision): string =>
  `${until === undefined ? '' : ` until ${dateOf(until)}`}${reason === undefined ? '' : `: ${reason}`}`

function untilOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const ms = parseDuration(text)
  if (ms === undefined || ms < 1000) {
    throw new K2Error({ code: 'PEER_BAD_TIME', kind: 'input', message: `"${text}" is no time: 30m, 2h and 7d are` })
  }
  return now + ms
}
