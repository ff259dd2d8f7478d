import { Api, GrammyError } from 'grammy'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FakeTelegram } from './index.ts'

let fake: FakeTelegram
let api: Api
let bot: { id: number; token: string }
let ada: number
let group: number
let now = 1_750_000_000_000

beforeEach(async () => {
  now = 1_750_000_000_000
  fake = await new FakeTelegram({ now: () => now }).start()
  bot = fake.control.addBot()
  ada = fake.control.addUser({ firstName: 'Ada' })
  group = fake.control.addChat({ members: [ada], admins: [bot.id] })
  api = new Api(bot.token, { apiRoot: fake.url })
})
afterEach(() => fake.stop())

const refused = async (call: Promise<unknown>): Promise<string> => {
  const error = await call.then(
    () => undefined,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(GrammyError)
  return (error as GrammyError).description
}

it('reads HTML as documented, and says where it is wrong', async () => {
  const html = (text: string) => api.sendMessage(group, text, { parse_mode: 'HTML' })
  const sent = await html(
    'a <b>b <i>c</i></b> &lt;&#33; <a href="https://x.org/?a=1">l</a><pre><code class="language-ts">p</code></pre>',
  )
  expect(sent.text).toBe('a b c <! lp')
  expect(sent.entities).toMatchObject([
    { type: 'bold', offset: 2, length: 3 },
    { type: 'italic', offset: 4, length: 1 },
    { type: 'text_link', offset: 9, length: 1, url: 'https://x.org/?a=1' },
    { type: 'pre', offset: 10, length: 1, language: 'ts' },
  ])
  expect(await refused(html('é <u2>x</u2>'))).toContain('Unsupported start tag "u2" at byte offset 3')
  expect(await refused(html('<b>x</i>'))).toContain('Unmatched end tag at byte offset 4, expected "</b>", found "</i>"')
  expect(await refused(html('<b>x'))).toContain(`Can't find end tag corresponding to start tag "b"`)
  expect(await refused(html('x</b>'))).toContain('Unexpected end tag at byte offset 1')
})

it('reads MarkdownV2 as documented, and says where it is wrong', async () => {
  const markdown = (text: string) => api.sendMessage(group, text, { parse_mode: 'MarkdownV2' })
  const sent = await markdown('*b _i_* __u__ ~s~ ||h|| `c\\`d` [l](https://x.org/a\\)b) 1\\.5\n>q\nend')
  expect(sent.text).toBe('b i u s h c`d l 1.5\nq\nend')
  expect(sent.entities?.map((e) => e.type)).toEqual([
    'bold',
    'italic',
    'underline',
    'strikethrough',
    'spoiler',
    'code',
    'text_link',
    'blockquote',
  ])
  expect(await refused(markdown('1.5'))).toContain(`Character '.' is reserved and must be escaped`)
  expect(await refused(markdown('é *x'))).toContain(`Can't find end of Bold entity at byte offset 3`)
  expect(await refused(markdown('[l]'))).toContain(`Can't find end of TextUrl entity`)
  expect((await markdown('```ts\nlet a\n```')).entities).toMatchObject([{ type: 'pre', language: 'ts' }])
  expect(await refused(api.sendMessage(group, 'x', { parse_mode: 'BBCode' as never }))).toContain('unsupported parse_mode')
})

it('sends polls, places and rich messages within their limits', async () => {
  const poll = await api.sendPoll(group, 'Tea?', [{ text: 'yes' }, { text: 'no' }], { allows_multiple_answers: true })
  expect(poll.poll).toMatchObject({ question: 'Tea?', allows_multiple_answers: true, options: [{ text: 'yes' }, { text: 'no' }] })
  expect(await refused(api.sendPoll(group, 'x'.repeat(301), [{ text: 'a' }]))).toContain('must not exceed 300')
  expect(await refused(api.sendPoll(group, 'x', Array(13).fill({ text: 'a' })))).toContain('more than 12')
  expect((await api.sendLocation(group, 52.5, 13.4)).location).toMatchObject({ latitude: 52.5 })
  expect(await refused(api.sendLocation(group, 91, 0))).toContain('latitude')
  const rich = (rich_message: object) => api.raw.sendRichMessage({ chat_id: group, rich_message } as never)
  expect(await rich({ blocks: [{ type: 'paragraph', text: 'hi' }] })).toMatchObject({
    rich_message: { blocks: [{ type: 'paragraph', text: 'hi' }] },
  })
  expect(await refused(rich({ blocks: [{ type: 'paragraph', text: 'x'.repeat(32_769) }] }))).toContain('too long')
  expect(await refused(rich({ html: 'a', markdown: 'b' }))).toContain('exactly one')
})

it('forwards, copies and gives other buttons', async () => {
  const words = fake.control.post(group, ada, 'words')
  const forwarded = await api.forwardMessage(group, group, words)
  expect(forwarded).toMatchObject({ text: 'words', forward_origin: { type: 'user', sender_user: { id: ada } } })
  const copied = await api.copyMessage(group, group, words)
  expect(fake.control.visible(group).at(-1)).toMatchObject({ id: copied.message_id, from: 'Bridge', text: 'words' })
  expect(await refused(api.copyMessage(group, group, 999))).toContain('message to copy not found')
  const keyboard = { inline_keyboard: [[{ text: 'A', callback_data: 'a' }]] }
  await api.editMessageReplyMarkup(group, copied.message_id, { reply_markup: keyboard })
  expect(fake.control.visible(group).at(-1)?.buttons).toEqual(['A'])
  const again = api.editMessageReplyMarkup(group, copied.message_id, { reply_markup: keyboard })
  expect(await refused(again)).toContain('not modified')
})

it('bans, leaves for another server, and closes after ten minutes', async () => {
  await api.banChatMember(group, ada)
  expect(await api.getChatMember(group, ada)).toMatchObject({ status: 'kicked' })
  expect(await refused(api.banChatMember(group, bot.id))).toContain('administrator')
  await api.unbanChatMember(group, ada)
  expect(await api.getChatMember(group, ada)).toMatchObject({ status: 'left' })
  expect(await refused(api.close())).toContain('retry after 600')
  now += 600_000
  expect(await api.close()).toBe(true)
  expect(await api.logOut()).toBe(true)
  expect(await refused(api.getMe())).toContain('Logged out')
})
