import { z } from 'zod'
import { type CommandDefinition, type CommandResult, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import { networkName } from './cards.ts'
import type { Talk } from './model.ts'
import type { TalkDesk } from './talk-desk.ts'
import { MAX_TALK_TEXT, sidesFor } from './talks.ts'

const SHOWN = 10

/** Conversations between the owner of an offer and whoever is interested in it. */
export function talkCommands(desk: TalkDesk): CommandDefinition[] {
  return [
    defineCommand({
      path: ['offer', 'write'],
      http: { method: 'POST', path: '/offers/:id/messages' },
      summary: 'write to whom an offer brought you together with',
      help: 'After an interest both sides can write to each other; on K2 as direct messages. Only the two of you read it.',
      role: 'trader',
      arguments: z.object({ id: z.string().min(6).max(40), text: z.string().min(1).max(MAX_TALK_TEXT) }),
      argumentHelp: {
        id: {
          summary: 'id of the offer or of the conversation',
          suggest: async (context, typed) =>
            (await desk.talks(context))
              .filter((t) => t.about.toLowerCase().includes(typed.toLowerCase()))
              .slice(0, 25)
              .map((t) => ({ name: t.about.slice(0, 100), value: t.id })),
        },
        text: { summary: 'what to say', rest: true },
      },
      run: async (context, { id, text }) => written(await desk.write(context, id, text)),
    }),
    defineCommand({
      path: ['offer', 'talks'],
      http: { method: 'GET', path: '/talks' },
      summary: 'whom you talk with about offers',
      role: 'everyone',
      arguments: z.object({}),
      argumentHelp: {},
      run: async (context) => {
        const talks = await desk.talks(context)
        const person = desk.market.parts.memory.personOf(context.actor.key)
        const rows = talks.slice(0, SHOWN).flatMap((talk) => {
          const partner = sidesFor(talk, person)?.partner
          if (partner === undefined) return []
          return [line(code(talk.id), ` ${partner.name} on ${networkName(partner.reach?.network ?? 'p2p')} · ${talk.about}`)]
        })
        const data = talks.map(({ id, intentId, about, openedAt }) => ({ id, offer: intentId, about, openedAt }))
        return answer(rows.length === 0 ? 'Nobody yet.' : lines(...rows), data, { title: 'Conversations' })
      },
    }),
  ]
}

export function written(talk: Talk): CommandResult {
  return answer(lines(bold('Sent.'), talk.about), { talk: talk.id, offer: talk.intentId })
}
