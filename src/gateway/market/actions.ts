import type { ActionDefinition, CommandResult } from '../commands/definition.ts'
import { answer, bold, lines } from '../commands/notices.ts'
import { formFor, questionOf } from './asking.ts'
import { intentLine } from './cards.ts'
import { mute, type SearchDesk } from './commands-alerts.ts'
import { asked, interestQuestion, offersPage, pageOf, published, textOf, told } from './commands-offers.ts'
import { written } from './commands-talks.ts'
import { type Desk, intentData, type Wish } from './desk.ts'
import { matchesPage, searchesPage } from './lists.ts'
import { intentOf, type MarketIntent } from './model.ts'
import { report } from './reports.ts'
import { TalkDesk } from './talk-desk.ts'
import { MAX_TALK_TEXT } from './talks.ts'

/** `<intent>.<revision>` of a card. */
function cardOf(argument: string): { readonly id: string; readonly revision: number | undefined } {
  const dot = argument.lastIndexOf('.')
  return dot < 0
    ? { id: argument, revision: undefined }
    : { id: argument.slice(0, dot), revision: Number(argument.slice(dot + 1)) }
}

const wishOf = (entry: MarketIntent): Wish => {
  const { side } = intentOf(entry)
  return side === 'want' ? 'buy' : side === 'exchange' ? 'exchange' : 'sell'
}

function done(entry: MarketIntent, words: string): CommandResult {
  return answer(lines(bold(words), intentLine(intentOf(entry))), intentData(entry), { replace: true })
}

const pageNumber = (argument: string): number => Math.max(1, Number(argument) || 1)

/** Another page stands in the place of the one before. */
const turned = (result: CommandResult): CommandResult => (result.kind === 'answer' ? { ...result, replace: true } : result)

/** What the buttons of cards, alerts and lists do. Who may press which is checked by the desk: authors alone decide. */
export function marketActions(desk: Desk, searches: SearchDesk): ActionDefinition[] {
  const { buttonId } = desk.market.parts
  const talks = new TalkDesk(desk)
  return [
    {
      name: 'offer-yes',
      role: 'trader',
      run: async (context, argument) => {
        const { id, revision } = cardOf(argument)
        return published(await desk.agree(context, id, 'message', revision), true)
      },
    },
    {
      name: 'offer-always',
      role: 'trader',
      run: async (context, argument) => {
        const { id, revision } = cardOf(argument)
        return published(await desk.agree(context, id, 'channel', revision), true)
      },
    },
    {
      name: 'offer-no',
      role: 'everyone',
      run: async (context, argument) => done(await desk.dismiss(context, cardOf(argument).id), 'Left alone.'),
    },
    {
      name: 'offer-edit',
      role: 'trader',
      run: async (_context, argument) => {
        const entry = desk.find(cardOf(argument).id)
        const { slots, text, intent_id } = intentOf(entry)
        const wish = wishOf(entry)
        const price =
          slots.price === null ? '' : `${slots.price.max ?? slots.price.min ?? ''} ${slots.price.currency ?? ''}`.trim()
        return {
          kind: 'form',
          form: {
            title: 'What is it?',
            fields: [
              { name: 'item', label: 'What it is', value: slots.item?.text ?? '', required: true, maxLength: 120 },
              ...(wish === 'exchange'
                ? [
                    {
                      name: 'for',
                      label: 'What you want for it',
                      value: slots.want_item?.text ?? '',
                      required: true,
                      maxLength: 120,
                    },
                  ]
                : []),
              { name: 'price', label: 'Price', value: price, required: false, maxLength: 60 },
              { name: 'place', label: 'Where', value: slots.place?.text ?? '', required: false, maxLength: 80 },
              {
                name: 'details',
                label: 'Anything else',
                value: text.slice(0, 400),
                required: false,
                multiline: true,
                maxLength: 400,
              },
            ],
          },
          submit: async (context, values) => asked(desk, await desk.edit(context, intent_id, wish, textOf(wish, values))),
        }
      },
    },
    {
      name: 'offer-fill',
      role: 'everyone',
      run: async (_context, argument) => {
        const { id, question } = questionOf(argument, desk.market.parts.clock.now())
        return {
          kind: 'form',
          form: formFor(question, intentOf(desk.find(id))),
          submit: async (context, values) => asked(desk, await desk.fill(context, id, question, values[question] ?? '')),
        }
      },
    },
    {
      name: 'talk-write',
      role: 'everyone',
      run: async (_context, id) => ({
        kind: 'form',
        form: {
          title: 'What do you want to say?',
          fields: [{ name: 'text', label: 'Text', required: true, multiline: true, maxLength: MAX_TALK_TEXT }],
        },
        submit: async (context, values) => written(await talks.write(context, id, values.text ?? '')),
      }),
    },
    {
      name: 'talk-read',
      role: 'everyone',
      run: async (context, id) => {
        const text = await talks.readTalk(context, id)
        return { kind: 'answer', notice: text, data: { text: text.rich.text }, private: true }
      },
    },
    { name: 'offer-sold', role: 'everyone', run: async (context, id) => done(await desk.close(context, id), 'Closed.') },
    { name: 'offer-keep', role: 'everyone', run: async (context, id) => done(await desk.extend(context, id), 'Stays open.') },
    {
      name: 'offers',
      role: 'everyone',
      run: async (context, argument) => {
        const { filter, page } = pageOf(argument)
        return turned(offersPage(desk, context, filter, page))
      },
    },
    { name: 'alerts', role: 'everyone', run: async (context, page) => turned(searchesPage(searches, context, pageNumber(page))) },
    { name: 'matches', role: 'everyone', run: async (context, page) => turned(matchesPage(desk, context, pageNumber(page))) },
    {
      name: 'remind',
      role: 'everyone',
      run: async (context, id) =>
        answer(
          lines('You hear of it again in a day, if it is still open.', intentLine(intentOf(await desk.remind(context, id)))),
          { id },
        ),
    },
    {
      name: 'search-keep',
      role: 'everyone',
      run: async (context, id) => {
        const search = await searches.renew(context, id)
        return answer(`Goes on: ${search.words}`, { id: search.id, expiresAt: search.expiresAt })
      },
    },
    {
      name: 'interest',
      role: 'trader',
      run: async (_context, id) =>
        answer(
          interestQuestion(desk, id),
          { id },
          {
            actions: [
              [{ id: buttonId('interest-yes', intentOf(desk.find(id)).intent_id), label: 'Yes, tell them', style: 'success' }],
            ],
          },
        ),
    },
    {
      name: 'interest-yes',
      role: 'trader',
      run: async (context, id) => told(desk, context, id, await desk.interest(context, id), true),
    },
    {
      name: 'alert-hide',
      role: 'everyone',
      run: async (context, alertId) => {
        await desk.market.store.feedback(alertId, context.actor.key, 'not_meant', desk.market.parts.clock.now())
        desk.market.parts.counters.add('feedback_total', { verdict: 'not_meant' })
        return answer('Thank you: noted.', { alert: alertId })
      },
    },
    {
      name: 'alert-report',
      role: 'everyone',
      run: async (context, alertId) => {
        await report(desk, context, alertId)
        return answer('Thank you: whoever runs this gateway is told.', { alert: alertId })
      },
    },
    { name: 'alert-mute', role: 'everyone', run: (context, id) => mute(searches, context, id, false) },
    {
      name: 'alert-author',
      role: 'everyone',
      run: async (context, alertId) => {
        const intentId = await desk.market.store.intentOfAlert(alertId)
        return intentId === undefined ? answer('That is too long ago.', {}) : mute(searches, context, intentId, false)
      },
    },
    {
      name: 'alert-pause',
      role: 'everyone',
      run: async (context, id) => {
        const search = await searches.pause(context, id, 1)
        return answer(`Silent for a day: ${search.words}`, { id: search.id })
      },
    },
  ]
}
