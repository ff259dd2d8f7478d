import { afterEach, expect, test } from 'vitest'
import type { Attachment } from '../../../src/bridges/model/message.ts'
import { FILE_PART, type NativePart, type SendRequest } from '../../../src/bridges/port.ts'
import { type MediaRig, type MediaRigOptions, MIB, mediaRig, PNG } from '../../support/media.ts'
import { bodyOf, type Harness, type HarnessOptions, never, partsOf, request, startHarness } from './harness.ts'

let h: Harness
let media: MediaRig
afterEach(async () => {
  await h.stop()
  await media.stop()
})

async function start(options: HarnessOptions = {}, mediaOptions: MediaRigOptions = {}): Promise<void> {
  media = await mediaRig(mediaOptions)
  h = await startHarness({ ...options, bridge: { media: media.library, ...options.bridge } })
}
const seen = () => h.fake.control.visible({ channel: h.fake.info.channel })
const withFiles = (text: string, attachments: Attachment[], more: Partial<SendRequest> = {}): SendRequest =>
  request(h.place, { body: bodyOf(text, { attachments }), ...more })

/** What the copy table keeps of a part. */
const stored = (parts: readonly NativePart[]): NativePart[] =>
  parts.map(({ part, ref, shows }) => ({ part, ref, ...(shows && { shows }) }))

test('files go with the text, by webhook and by bot', async () => {
  await start()
  const files = [
    media.file('cat.png', PNG, { kind: 'image', alt: 'a black cat' }),
    media.file('secret.bin', 5_000, { spoiler: true }),
    media.file('voice', 100, { kind: 'voice' }),
  ]
  partsOf(await h.bridge.send(withFiles('look', files), never))
  partsOf(await h.bridge.send(withFiles('', files.slice(0, 1), { identity: 'bot' }), never))
  expect(seen()).toMatchObject([
    {
      author: 'Bob',
      content: 'look',
      files: ['cat.png', 'SPOILER_secret.bin', 'voice'],
      sizes: [PNG.length, 5_000, 100],
      descriptions: ['a black cat'],
    },
    { content: '**Bob**:', files: ['cat.png'] },
  ])
  expect(media.opened.get(files[0]?.id as string)).toBe(1)
  expect(h.fake.control.violations()).toEqual([])
})

test('a file alone needs no text', async () => {
  await start()
  partsOf(await h.bridge.send(withFiles('', [media.file('a.txt', 3)]), never))
  expect(seen()).toMatchObject([{ content: '', files: ['a.txt'] }])
})

test('what is too large becomes a line, the rest arrives', async () => {
  await start()
  const files = [media.file('small.bin', 9 * MIB), media.file('big.bin', 11 * MIB), media.file('huge.bin', 60 * MIB)]
  partsOf(await h.bridge.send(withFiles('three', files), never))
  expect(seen()).toMatchObject([
    {
      content: 'three\n📎 big.bin (11.5 MB) – too large for Discord\n📎 huge.bin (62.9 MB) – too large for Discord',
      files: ['small.bin'],
    },
  ])
  expect(media.opened.get(files[2]?.id as string)).toBeUndefined()
  h.fake.control.setTier({ guild: h.fake.info.guild, tier: 2 })
  await h.fake.control.waitForSession()
  h.fake.control.say({ channel: h.fake.info.channel, user: h.fake.info.user, content: 'after the boost' })
  await h.sink.count(1)
  partsOf(await h.bridge.send(withFiles('again', files.slice(1, 2)), never))
  expect(seen().at(-1)).toMatchObject({ content: 'again', files: ['big.bin'] })
})

test('a link stands in for what is too large where the gateway serves files', async () => {
  const links = {
    linkTo: async (file: { sha256: string }, name: string) => `https://gw.example/files/${file.sha256.slice(0, 8)}/${name}`,
  }
  await start({}, { links })
  const file = media.file('big.bin', 11 * MIB)
  const parts = partsOf(await h.bridge.send(withFiles('see', [file]), never))
  expect(seen()[0]?.content).toMatch(/^see\n📎 big\.bin \(11\.5 MB\): https:\/\/gw\.example\/files\/[0-9a-f]{8}\/big\.bin$/)
  partsOf(await h.bridge.send(withFiles('see this', [file], { op: 'edit', parts }), never))
  expect(seen()[0]?.content).toMatch(/^see this\n📎 big\.bin \(11\.5 MB\): https/)
})

test('a refused size is learned; text and other files arrive', async () => {
  await start({ prepare: (fake) => fake.control.setTier({ guild: fake.info.guild, tier: 2 }) })
  // The gateway says tier 2, the server has lost it meanwhile without telling.
  h.fake.control.fault({
    method: 'POST',
    route: '/^.webhooks/',
    times: 2,
    effect: { kind: 'status', status: 413, body: { message: 'Request entity too large', code: 40005 } },
  })
  const files = [media.file('a.bin', 12 * MIB), media.file('b.bin', 1 * MIB)]
  partsOf(await h.bridge.send(withFiles('two', files), never))
  expect(seen()).toMatchObject([{ content: 'two\n📎 a.bin (12.6 MB) – too large for Discord', files: ['b.bin'] }])
  partsOf(await h.bridge.send(withFiles('next', [media.file('c.bin', 13 * MIB)]), never))
  expect(seen().at(-1)).toMatchObject({ content: 'next\n📎 c.bin (13.6 MB) – too large for Discord', files: [] })
})

test('twelve files become messages of ten and two; a retry continues where it stopped', async () => {
  await start()
  const files = Array.from({ length: 12 }, (_, i) => media.file(`f${i}.bin`, 10 + i))
  const made: NativePart[] = []
  h.fake.control.fault({ method: 'POST', route: '/^.webhooks/', nth: 2, effect: { kind: 'status', status: 503 } })
  h.fake.control.setEcho({ timing: 'never' })
  const first = withFiles('many', files, { onPart: async (part) => void made.push(part) })
  expect((await h.bridge.send(first, never)).kind).toBe('ambiguous')
  expect(made.map((p) => [p.part, p.carries?.files.length])).toEqual([[0, 10]])
  const retry = {
    ...first,
    parts: JSON.parse(JSON.stringify(made)) as NativePart[],
    attempt: 1,
    ambiguousSince: Date.now() - 1000,
  }
  const parts = partsOf(await (await h.restart()).send(retry, never))
  expect(parts.map((p) => p.part)).toEqual([0, FILE_PART + 10])
  expect(seen().map((m) => [m.content, m.files.length])).toEqual([
    ['many', 10],
    ['', 2],
  ])
})

test('a lost answer to an upload is settled by the history, without a second upload', async () => {
  await start()
  h.fake.control.setEcho({ timing: 'never' })
  h.fake.control.fault({ method: 'POST', route: '/^.webhooks/', nth: 1, effect: { kind: 'response-lost' } })
  const file = media.file('once upon.bin', 70_000)
  const first = withFiles('', [file])
  const since = Date.now() - 1000
  expect((await h.bridge.send(first, never)).kind).toBe('ambiguous')
  const fresh = await h.restart()
  const retry = (attempt: number) => fresh.send({ ...first, attempt, ambiguousSince: since }, never)
  // The look into the history may meet the broken connection; then the delivery stays in doubt.
  const outcome = await retry(1)
  partsOf(outcome.kind === 'ambiguous' ? await retry(2) : outcome)
  expect(seen()).toHaveLength(1)
})

test('long text goes first, files follow; an edit leaves them alone', async () => {
  await start()
  const text = 'word '.repeat(700).trim()
  const file = media.file('a.bin', 20)
  const parts = partsOf(await h.bridge.send(withFiles(text, [file]), never))
  expect(parts.map((p) => p.part)).toEqual([0, 1, FILE_PART])
  expect(seen().map((m) => m.files)).toEqual([[], [], ['a.bin']])
  const left = partsOf(await h.bridge.send(withFiles('short', [file], { op: 'edit', parts: stored(parts) }), never))
  expect(left.map((p) => p.part)).toEqual([0, FILE_PART])
  expect(seen().map((m) => [m.content, m.files.length])).toEqual([
    ['short', 0],
    ['', 1],
  ])
})

test.each(['webhook', 'bot'] as const)('an edit takes files away and brings others, by %s', async (identity) => {
  await start()
  const [a, b, c, d] = ['a.bin', 'b.bin', 'c.bin', 'd.bin'].map((name) => media.file(name, 20)) as [
    Attachment,
    Attachment,
    Attachment,
    Attachment,
  ]
  const files = () => seen().map((m) => [m.content.replace('**Bob**:', '').trim(), ...m.files])
  let parts = stored(partsOf(await h.bridge.send(withFiles('three', [a, b, c], { identity }), never)))
  parts = stored(partsOf(await h.bridge.send(withFiles('others', [a, c, d], { identity, op: 'edit', parts }), never)))
  expect(files()).toEqual([['others', 'a.bin', 'c.bin', 'd.bin']])
  // Those that stay are not sent again, and an edit of the words leaves all where they are.
  expect(media.opened.get(a.id)).toBe(1)
  parts = stored(partsOf(await h.bridge.send(withFiles('same', [a, c, d], { identity, op: 'edit', parts }), never)))
  expect(files()).toEqual([['same', 'a.bin', 'c.bin', 'd.bin']])
  parts = stored(partsOf(await h.bridge.send(withFiles('', [b], { identity, op: 'edit', parts }), never)))
  expect(files()).toEqual([['', 'b.bin']])
  parts = stored(partsOf(await h.bridge.send(withFiles('none', [], { identity, op: 'edit', parts }), never)))
  expect(files()).toEqual([['none']])
  const many = Array.from({ length: 12 }, (_, i) => media.file(`${i}.bin`, 10))
  parts = stored(partsOf(await h.bridge.send(withFiles('many', many, { identity, op: 'edit', parts }), never)))
  expect(files().map((m) => m.length)).toEqual([11, 3])
  partsOf(await h.bridge.send(withFiles('many', many.slice(0, 10), { identity, op: 'edit', parts }), never))
  expect(files().map((m) => m.length)).toEqual([11])
  expect(h.fake.control.violations()).toEqual([])
})

test('a new file that is too large is named by the edit, and those that nobody knows stay', async () => {
  await start()
  const [small, big] = [media.file('small.bin', 20), media.file('big.bin', 11 * MIB)]
  const parts = stored(partsOf(await h.bridge.send(withFiles('one', [small]), never)))
  partsOf(await h.bridge.send(withFiles('two', [big], { op: 'edit', parts }), never))
  expect(seen()).toMatchObject([{ content: 'two\n📎 big.bin (11.5 MB) – too large for Discord', files: [] }])
  const old = stored(partsOf(await h.bridge.send(withFiles('old', [small]), never)))
  const before = old.map((part) => ({ ...part, shows: ['?'] }))
  partsOf(await h.bridge.send(withFiles('still old', [], { op: 'edit', parts: before }), never))
  expect(seen().at(-1)).toMatchObject({ content: 'still old', files: ['small.bin'] })
})

test('a file that cannot be had is waited for, then named', async () => {
  await start()
  const [bad, good] = [media.file('bad.bin', 20), media.file('good.bin', 20)]
  media.breakFile(bad.id, 'down')
  const first = withFiles('both', [bad, good])
  expect(await h.bridge.send(first, never)).toMatchObject({ kind: 'not-sent', code: 'MEDIA_UNAVAILABLE' })
  partsOf(await h.bridge.send({ ...first, attempt: 2 }, never))
  expect(seen()).toMatchObject([{ content: 'both\n📎 bad.bin (20 B) – could not be fetched', files: ['good.bin'] }])
  media.breakFile(good.id, 'gone')
  const gone = media.file('gone.bin', 21)
  media.breakFile(gone.id, 'gone')
  partsOf(await h.bridge.send(withFiles('', [gone]), never))
  expect(seen().at(-1)).toMatchObject({ content: '📎 gone.bin (21 B) – no longer available' })
})

test('attachments of messages are read, also after their addresses expired', async () => {
  await start()
  media.library.addSource('discord', 'main', h.bridge)
  const { channel, user } = h.fake.info
  h.fake.control.say({
    channel,
    user,
    content: 'here',
    files: [{ name: 'pic.png', type: 'image/png', content: PNG.toString('base64') }],
  })
  h.fake.control.expireFiles({ channel })
  await h.sink.count(1)
  const { event } = h.sink.events[0] as (typeof h.sink.events)[number]
  const attachment = event.kind === 'message.create' ? event.body.attachments[0] : undefined
  const file = await media.library.fetch(attachment as Attachment, never)
  expect([file.size, file.mime]).toEqual([PNG.length, 'image/png'])
  file.release()
  h.fake.control.remove({ channel, messages: [seen()[0]?.id as string] })
  const stale = {
    ...(attachment as Attachment),
    id: '999999999999999999',
    source: { ...(attachment as Attachment).source, expiresAt: 1 },
  } as Attachment
  await expect(media.library.fetch(stale, never)).rejects.toMatchObject({ code: 'MEDIA_GONE' })
})

test('only the platform is asked for files', async () => {
  await start()
  media.library.addSource('discord', 'main', h.bridge)
  const ref = { network: 'discord', account: 'main', channel: h.fake.info.channel, id: '123456789012345678' } as const
  for (const url of ['http://169.254.169.254/latest/meta-data', 'file:///etc/passwd', 'http://127.0.0.1:1/x', 'nonsense']) {
    const source = { kind: 'discord-url', url, expiresAt: 0, ref } as const
    await expect(media.library.fetch({ id: url, kind: 'file', name: 'x', source }, never)).rejects.toMatchObject({
      code: 'MEDIA_GONE',
    })
  }
})

test('a text of 40,000 characters is complete in a file, and its own files follow', async () => {
  await start()
  const text = 'many words '.repeat(4000).slice(0, 40_000).trim()
  const parts = partsOf(await h.bridge.send(withFiles(text, [media.file('a.bin', 30)]), never))
  expect(parts.map((p) => p.part)).toEqual([0, FILE_PART])
  expect(seen().map((m) => [m.files, m.sizes])).toEqual([
    [['message.txt'], [text.length]],
    [['a.bin'], [30]],
  ])
})
