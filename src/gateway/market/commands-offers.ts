import { z } from 'zod'
import type { Action } from '../../bridges/interaction.ts'
import { k2Form, readMessage } from '../../rules/index.ts'
import { PLATFORMS } from '../../rules/model.ts'
import { type CommandContext, type CommandDefinition, type CommandResult, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import { ageText, askNotice, intentLine, networkName } from './cards.ts'
import { type Desk, intentData, type OfferFilter, type Wish } from './desk.ts'
import { intentOf, type MarketIntent } from './model.ts'
import { cut, turns } from './pages.ts'
import { talkId } from './talks.ts'

const PAGE = 5
const text = z.string().min(1).max(2000)
const id = z.string().min(6).max(40)
const PUBLIC = 'Everyone on K2 can read it, and it cannot be taken back.'

/** sell, buy, exchange, offers and what one does with them (k2-application 4.2, rows 18 to 24). */
export function offerCommands(desk: Desk): CommandDefinition[] {
  const suggestOwn = async (context: CommandContext, typed: string) =>
    desk
      .ownOf(context.actor.key)
      .filter((e) => intentOf(e).status === 'open' && intentLine(intentOf(e)).toLowerCase().includes(typed.toLowerCase()))
      .slice(0, 25)
      .map((e) => ({ name: intentLine(intentOf(e)).slice(0, 100), value: intentOf(e).intent_id }))
  const wishCommand = (wish: Wish, cli: string, path: string, summary: string): CommandDefinition =>
    defineCommand({
      path: [wish],
      cli,
      http: { method: 'POST', path },
      summary,
      help: 'Write what it is, the price and the place in your own words. Without a text a form asks. K2 sees it only after you agree.',
      role: 'trader',
      arguments: z.object({ publish: z.boolean().default(false), text: text.optional() }),
      argumentHelp: {
        publish: { summary: 'agree at once: put it on K2 as it was read' },
        text: { summary: 'for example: ThinkPad X1 Carbon, 700 USD, Berlin', rest: true },
      },
      run: async (context, { text: said, publish }) => {
        if (said === undefined) return wishForm(desk, wish)
        return made(desk, context, await desk.create(context, wish, said), publish)
      },
    })
  return [
    wishCommand('sell', 'offer publish', '/intents', 'offer something for sale'),
    wishCommand('buy', 'offer want', '/intents/want', 'say what you want to buy'),
    wishCommand('exchange', 'offer exchange', '/intents/exchange', 'offer something in exchange'),
    defineCommand({
      path: ['offers'],
      cli: 'offer list',
      http: { method: 'GET', path: '/offers' },
      summary: 'what is open at the moment',
      role: 'everyone',
      arguments: z.object({
        side: z.enum(['offer', 'want', 'all']).default('offer'),
        topic: z.string().max(60).optional(),
        max: z.number().nonnegative().optional(),
        currency: z
          .string()
          .regex(/^[A-Za-z]{3,5}$/)
          .optional(),
        source: z.enum(PLATFORMS).optional(),
        page: z.int().min(1).max(10_000).default(1),
        text: z.string().max(100).optional(),
      }),
      argumentHelp: {
        side: { summary: 'offers, wants, or all' },
        topic: { summary: 'such as laptops or Goods' },
        max: { summary: 'highest price' },
        currency: { summary: 'of the highest price' },
        source: { summary: 'network it was written on' },
        page: { summary: 'which page' },
        text: { summary: 'words that must occur', rest: true },
      },
      run: async (context, { page, currency, ...filter }) =>
        offersPage(desk, context, { ...filter, currency: currency?.toUpperCase() }, page),
    }),
    defineCommand({
      path: ['offer', 'mine'],
      http: { method: 'GET', path: '/intents' },
      summary: 'what you have open',
      role: 'everyone',
      arguments: z.object({ all: z.boolean().default(false), page: z.int().min(1).max(10_000).default(1) }),
      argumentHelp: { all: { summary: 'also what is closed' }, page: { summary: 'which page' } },
      run: async (context, { all, page }) => {
        // Operators look after everybody's.
        const own = context.origin.surface === 'chat' ? desk.ownOf(context.actor.key) : [...desk.market.parts.memory.all()]
        const shown = own.filter((e) => all || ['open', 'draft', 'paused'].includes(intentOf(e).status))
        const rows = shown
          .slice((page - 1) * MINE, page * MINE)
          .map((e) => line(`${stateSign(e)} `, intentLine(intentOf(e)), ' ', code(intentOf(e).intent_id.slice(0, 8))))
        return answer(
          rows.length === 0 ? 'You have nothing open.' : lines(...rows, pagesLine(page, shown.length)),
          shown.slice((page - 1) * MINE, page * MINE).map(intentData),
          { title: 'Yours' },
        )
      },
    }),
    defineCommand({
      path: ['offer', 'show'],
      http: { method: 'GET', path: '/intents/:id' },
      summary: 'one offer or wish with everything known about it',
      role: 'everyone',
      arguments: z.object({ id }),
      argumentHelp: { id: { summary: 'its id, or the beginning of it' } },
      run: async (_context, args) => shown(desk, desk.find(args.id)),
    }),
    defineCommand({
      path: ['offer', 'publish'],
      cli: 'offer confirm',
      http: { method: 'POST', path: '/intents/:id/publish' },
      summary: 'put one of yours on K2',
      role: 'trader',
      confirm: ({ id: which }) => `${previewById(desk, which)}\n${PUBLIC}`,
      arguments: z.object({ id }),
      argumentHelp: { id: { summary: 'its id, or the beginning of it', suggest: suggestOwn } },
      run: async (context, args) => published(await desk.agree(context, args.id, 'message')),
    }),
    defineCommand({
      path: ['offer', 'close'],
      http: { method: 'POST', path: '/intents/:id/close' },
      summary: 'it is sold, found, or not wanted any more',
      role: 'trader',
      arguments: z.object({ id }),
      argumentHelp: { id: { summary: 'its id, or the beginning of it', suggest: suggestOwn } },
      run: async (context, args) => {
        const entry = await desk.close(context, args.id)
        return answer(lines(bold('Closed.'), intentLine(intentOf(entry))), intentData(entry))
      },
    }),
    defineCommand({
      path: ['offer', 'renew'],
      http: { method: 'POST', path: '/intents/:id/renew' },
      summary: 'keep it open for two more weeks, or open it again',
      role: 'trader',
      arguments: z.object({ id }),
      argumentHelp: { id: { summary: 'its id, or the beginning of it', suggest: suggestOwn } },
      run: async (context, args) => stateAnswer('Open.', await desk.extend(context, args.id)),
    }),
    defineCommand({
      path: ['offer', 'pause'],
      http: { method: 'POST', path: '/intents/:id/pause' },
      summary: 'take it off K2 and out of matching until you renew it',
      role: 'trader',
      arguments: z.object({ id }),
      argumentHelp: { id: { summary: 'its id, or the beginning of it', suggest: suggestOwn } },
      run: async (context, args) => stateAnswer('Paused. Renew it when you want it back.', await desk.pause(context, args.id)),
    }),
    defineCommand({
      path: ['offer', 'interest'],
      http: { method: 'POST', path: '/offers/:id/interest' },
      summary: 'tell whoever offers it that you want it',
      role: 'trader',
      confirm: ({ id: which }) => interestQuestion(desk, which),
      arguments: z.object({ id }),
      argumentHelp: { id: { summary: 'its id, or the beginning of it' } },
      run: async (context, args) => told(desk, context, args.id, await desk.interest(context, args.id)),
    }),
    defineCommand({
      path: ['intent', 'parse'],
      telegram: 'k2_intent',
      http: { method: 'POST', path: '/intents/parse' },
      summary: 'how a text would be read',
      role: 'everyone',
      // The command line reads texts by itself, without a gateway.
      notOn: ['cli'],
      arguments: z.object({ text }),
      argumentHelp: { text: { summary: 'any message', rest: true } },
      run: async (context, args) => {
        const { lexicon, profiles, clock } = desk.market.parts
        const profile = profiles.of(desk.originOf(context).place).reading
        const reading = readMessage({ id: 'parse', text: args.text, sent_at: clock.now() }, { lexicon, profile })
        const facts = [
          ['intent', `${reading.intent}, confidence ${reading.confidence}`],
          ['item', reading.slots.item?.text],
          ['price', reading.slots.price === null ? undefined : priceOf(reading.slots.price)],
          ['condition', reading.slots.condition ?? undefined],
          ['place', reading.slots.place?.text],
          ['topic', reading.topic === null ? undefined : `${reading.topic.k2_topic} › ${reading.topic.slug}`],
        ] as const
        return answer(lines(...facts.flatMap(([name, value]) => (value === undefined ? [] : [line(bold(name), `: ${value}`)]))), {
          ...reading,
          k2: k2Form(reading, args.text) ?? null,
        })
      },
    }),
  ]
}

const priceOf = (price: { readonly min: string | null; readonly max: string | null; readonly currency: string | null }): string =>
  [price.min === price.max ? price.min : `${price.min ?? ''}–${price.max ?? ''}`, price.currency ?? ''].join(' ').trim()

const stateAnswer = (words: string, entry: MarketIntent): CommandResult =>
  answer(lines(bold(words), intentLine(intentOf(entry))), intentData(entry))

/** Entries of one's own on one page. */
const MINE = 20
const pagesLine = (page: number, all: number): string | undefined =>
  all > MINE ? `page ${page} of ${Math.ceil(all / MINE)}, ${all} in all` : undefined

const stateSign = (entry: MarketIntent): string =>
  entry.published !== null ? '📣' : intentOf(entry).status === 'open' ? '🟢' : '⚪'

/** The form of sell, buy and exchange. */
function wishForm(desk: Desk, wish: Wish): CommandResult {
  const titles = { sell: 'What do you sell?', buy: 'What do you want?', exchange: 'What do you exchange?' }
  return {
    kind: 'form',
    form: {
      title: titles[wish],
      fields: [
        { name: 'item', label: wish === 'exchange' ? 'What you have' : 'What it is', required: true, maxLength: 120 },
        ...(wish === 'exchange' ? [{ name: 'for', label: 'What you want for it', required: true, maxLength: 120 }] : []),
        { name: 'price', label: wish === 'buy' ? 'At most' : 'Price', placeholder: '700 USD', required: false, maxLength: 60 },
        { name: 'place', label: 'Where', required: false, maxLength: 80 },
        { name: 'details', label: 'Anything else', required: false, multiline: true, maxLength: 400 },
      ],
    },
    submit: async (context, values) => made(desk, context, await desk.create(context, wish, textOf(wish, values)), false),
  }
}

/** Form values in the words the reading understands. */
export function textOf(wish: Wish, values: Readonly<Record<string, string>>): string {
  const { item = '', price = '', place = '', details = '' } = values
  const cost = price.trim() === '' ? '' : wish === 'buy' ? `, budget ${price}` : `, ${price}`
  const head = wish === 'exchange' ? `my ${item} for ${values.for ?? ''}` : item
  return [`${head}${cost}`, place.trim() === '' ? '' : `📍 ${place}`, details].filter((t) => t.trim() !== '').join('\n')
}

/** A new intent and the question whether K2 may see it; with `publish` the answer was yes. */
async function made(desk: Desk, context: CommandContext, entry: MarketIntent, publish: boolean): Promise<CommandResult> {
  if (publish) return published(await desk.agree(context, intentOf(entry).intent_id, 'message'))
  return asked(desk, entry)
}

/** The card that asks for consent, as an answer. */
export function asked(desk: Desk, entry: MarketIntent): CommandResult {
  const { intent_id, revision } = intentOf(entry)
  const preview = desk.market.publisher.preview(entry) ?? intentLine(intentOf(entry))
  const card = askNotice(entry, preview, PUBLIC, (name) => desk.market.parts.buttonId(name, `${intent_id}.${revision}`))
  return { kind: 'answer', notice: card, data: { ...intentData(entry), preview } }
}

export function published(entry: MarketIntent, replace = false): CommandResult {
  const word = entry.published?.kind === 'request' ? 'Asked for on K2' : 'On K2'
  return answer(
    lines(bold(`📣 ${word}.`), intentLine(intentOf(entry)), 'Write "sold" below your message, or use offer close, to end it.'),
    intentData(entry),
    {
      replace,
    },
  )
}

function shown(desk: Desk, entry: MarketIntent): CommandResult {
  const intent = intentOf(entry)
  const now = desk.market.parts.clock.now()
  return answer(
    lines(
      bold(intentLine(intent)),
      `by ${entry.origin.authorName} on ${networkName(intent.platform)}, ${ageText(now - intent.created_at)}`,
      intent.text.slice(0, 300),
      `${stateSign(entry)} ${intent.status}${entry.published === null ? '' : ', on K2'}`,
    ),
    intentData(entry),
    {
      actions: [
        [{ id: desk.market.parts.buttonId('interest', intent.intent_id), label: 'Interested', style: 'primary' as const }],
      ],
    },
  )
}

/** One page of what is open, with a button for each and for the next page. */
export function offersPage(desk: Desk, context: CommandContext, filter: OfferFilter, which: number): CommandResult {
  const shown = cut(desk.list(context, filter), which, PAGE)
  const { rows, page, pages, total } = shown
  const { buttonId, clock } = desk.market.parts
  const from = (page - 1) * PAGE
  const buttons: Action[] = rows.map((e, i) => ({ id: buttonId('interest', intentOf(e).intent_id), label: `🤝 ${from + i + 1}` }))
  const argument = (to: number): string =>
    [to, filter.side, filter.topic ?? '', filter.max ?? '', filter.currency ?? ''].join('|')
  const canTurn = filter.text === undefined && filter.source === undefined && /^[\x21-\x7e]{1,38}$/.test(argument(pages))
  const turn = canTurn ? turns(shown, (to) => buttonId('offers', argument(to))) : []
  const list = rows.map((e, i) =>
    line(
      `${from + i + 1}. `,
      intentLine(intentOf(e)),
      ` · ${e.origin.authorName} on ${networkName(intentOf(e).platform)}, ${ageText(clock.now() - intentOf(e).created_at)} `,
      code(intentOf(e).intent_id.slice(0, 8)),
    ),
  )
  return answer(
    total === 0 ? 'Nothing is open that fits.' : lines(...list, `page ${page} of ${pages}, ${total} in all`),
    { total, page, pages, offers: rows.map(intentData) },
    { title: 'Open', actions: [buttons, turn].filter((row) => row.length > 0) },
  )
}

/** Reads the argument of a page button. */
export function pageOf(argument: string): { readonly filter: OfferFilter; readonly page: number } {
  const [page = '1', side = 'offer', topic = '', max = '', currency = ''] = argument.split('|')
  return {
    page: Math.max(1, Number(page) || 1),
    filter: {
      side: side === 'want' || side === 'all' ? side : 'offer',
      ...(topic !== '' && { topic }),
      ...(max !== '' && { max: Number(max) }),
      ...(currency !== '' && { currency }),
    },
  }
}

function previewById(desk: Desk, which: string): string {
  const entry = desk.find(which)
  return desk.market.publisher.preview(entry) ?? intentLine(intentOf(entry))
}

/** What somebody agrees to with an interest: to a K2 peer it is public. */
export function interestQuestion(desk: Desk, which: string): string {
  const entry = desk.find(which)
  const where =
    entry.origin.peer === undefined
      ? 'Its author is told your name.'
      : 'The seller gets your wish over K2, where everyone on the topic can read it.'
  return `${intentLine(intentOf(entry))}\n${where}`
}

/** What became of an interest, with a way to write to the other side. */
export function told(
  desk: Desk,
  context: CommandContext,
  which: string,
  outcome: 'told' | 'known' | 'sent',
  replace = false,
): CommandResult {
  const entry = desk.find(which)
  const { buttonId, memory } = desk.market.parts
  const talk = talkId(intentOf(entry).intent_id, memory.personOf(context.actor.key))
  const words = {
    told: 'They were told that you are interested.',
    known: 'They know already that you are interested.',
    sent: 'The seller was told over K2. What they answer is brought to you; you can write to them now.',
  }
  return answer(
    lines(intentLine(intentOf(entry)), words[outcome]),
    { ...intentData(entry), outcome, talk },
    { replace, actions: [[{ id: buttonId('talk-write', talk), label: 'Write to them', style: 'primary' }]] },
  )
}
