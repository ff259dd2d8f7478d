import { afterEach, beforeEach, expect, test } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import type { Attachment } from '../../../src/bridges/model/message.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { FILE_PART, type NativePart, type SendOutcome, type SendRequest } from '../../../src/bridges/port.ts'
import type { TelegramBridge } from '../../../src/bridges/telegram/index.ts'
import { FakeTelegram } from '../../fakes/telegram/index.ts'
import { type MediaRig, MIB, mediaRig, PNG } from '../../support/media.ts'
import { MemorySink, newBridge, request } from './support.ts'

let fake: FakeTelegram
let media: MediaRig
let bridge: TelegramBridge
let sink: MemorySink
let chat: number
let person: number
const never = new AbortController().signal

beforeEach(async () => {
  fake = await new FakeTelegram({ seed: 1 }).start()
  media = await mediaRig()
  const bot = fake.control.addBot({ privacy: false })
  person = fake.control.addUser({ firstName: 'Tess' })
  chat = fake.control.addChat({ title: 'Files', members: [bot.id, person] })
  sink = new MemorySink()
  bridge = newBridge({ fake, token: bot.token }, sink, { media: media.library, log: nullLogger })
  await bridge.start(never)
})
afterEach(async () => {
  await bridge.stop()
  await fake.stop()
  await media.stop()
})

const withFiles = (text: string, attachments: Attachment[], more: Partial<SendRequest> = {}): SendRequest =>
  request(chat, { rich: plain(text), attachments }, more)
const shown = () => fake.control.visible(chat).map((m) => [m.kind, m.text, m.size ?? null] as const)
const photo = (name: string, more: Partial<Attachment> = {}): Attachment =>
  media.file(name, Buffer.concat([PNG, Buffer.from(name)]), { kind: 'image', ...more })
const clip = (name: string, kind: Attachment['kind'] = 'video'): Attachment =>
  media.file(name, Buffer.concat([Buffer.from('0000001c667479706d703432', 'hex'), Buffer.alloc(40, name)]), { kind })

function partsOf(outcome: SendOutcome): readonly NativePart[] {
  if (outcome.kind !== 'done') throw new Error(`not done: ${JSON.stringify(outcome)}`)
  return outcome.parts
}
/** What the copy table keeps of a part. */
const stored = (parts: readonly NativePart[]): NativePart[] =>
  parts.map(({ part, ref, shows }) => ({ part, ref, ...(shows && { shows }) }))
const methods = (): string[] =>
  fake.control
    .requests()
    .map((r) => r.method)
    .filter((m) => m.startsWith('send') || m.startsWith('edit'))

test('each kind goes by its own method, with the text as caption', async () => {
  const ogg = media.file(
    'v.ogg',
    Buffer.concat([Buffer.from('OggS\0\x02'), Buffer.alloc(22), Buffer.from('OpusHead'), Buffer.alloc(20)]),
    {
      kind: 'voice',
      durationMs: 3200,
    },
  )
  const webp = Buffer.concat([Buffer.from('RIFF'), Buffer.from([30, 0, 0, 0]), Buffer.from('WEBPVP8 '), Buffer.alloc(20)])
  const gif = media.file('g.gif', Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(20)]), { kind: 'animation' })
  const files: Attachment[] = [
    photo('p.png', { spoiler: true }),
    clip('c.mp4'),
    media.file('doc.bin', 4000),
    ogg,
    clip('note.mp4', 'video-note'),
    media.file('s.webp', webp, { kind: 'sticker' }),
    gif,
  ]
  for (const file of files) partsOf(await bridge.send(withFiles('hi', [file]), never))
  expect(methods()).toEqual([
    'sendPhoto',
    'sendVideo',
    'sendDocument',
    'sendVoice',
    'sendMessage',
    'sendVideoNote',
    'sendMessage',
    'sendSticker',
    'sendAnimation',
  ])
  expect(shown().map(([kind, text]) => `${kind}: ${text}`)).toEqual([
    'photo: Ann: hi',
    'video: Ann: hi',
    'document: Ann: hi',
    'voice: Ann: hi',
    'text: Ann: hi',
    'video_note: ',
    'text: Ann: hi',
    'sticker: ',
    'animation: Ann: hi',
  ])
  expect(fake.remarks).toEqual([])
})

test('a file without words says whose it is, and long words go first', async () => {
  partsOf(await bridge.send(withFiles('', [photo('p.png')]), never))
  const parts = partsOf(await bridge.send(withFiles('word '.repeat(300).trim(), [photo('q.png')]), never))
  expect(parts.map((p) => p.part)).toEqual([0, FILE_PART])
  expect(shown().map(([kind, text]) => [kind, text.length])).toEqual([
    ['photo', 3],
    ['text', 5 + 1499],
    ['photo', 0],
  ])
})

test('albums are split by kind and bound to ten; replies go with the first', async () => {
  const files = [
    ...Array.from({ length: 11 }, (_, i) => photo(`p${i}.png`)),
    media.file('a.bin', 10),
    clip('c.mp4'),
    media.file('b.bin', 11),
  ]
  const target = fake.control.post(chat, person, 'look here')
  const reply = { ref: { network: 'telegram' as const, account: 'main', channel: String(chat), id: String(target) } }
  const parts = partsOf(await bridge.send(withFiles('all', files, { reply }), never))
  expect(methods()).toEqual(['sendMediaGroup', 'sendMediaGroup', 'sendMediaGroup'])
  expect(parts.map((p) => p.part - FILE_PART).sort((a, b) => a - b)).toEqual(files.map((_, i) => i))
  const seen = fake.control.visible(chat).slice(1)
  expect(seen.map((m) => m.kind)).toEqual([...Array(10).fill('photo'), 'photo', 'video', 'document', 'document'])
  expect(seen.filter((m) => m.text !== '').map((m) => [m.text, m.replyTo])).toEqual([['Ann: all', target]])
  expect(fake.remarks).toEqual([])
})

test('an album that is refused goes item by item, what is refused as a picture as a document', async () => {
  fake.control.addFault({
    method: 'sendMediaGroup',
    times: 1,
    effect: { kind: 'status', status: 400, body: 'Bad Request: IMAGE_PROCESS_FAILED' },
  })
  const files = [photo('p0.png'), photo('p1.png'), photo('p2.png')]
  fake.control.addFault({
    method: 'sendPhoto',
    nth: 2,
    effect: { kind: 'status', status: 400, body: 'Bad Request: PHOTO_INVALID_DIMENSIONS' },
  })
  partsOf(await bridge.send(withFiles('three', files), never))
  expect(methods()).toEqual(['sendMediaGroup', 'sendPhoto', 'sendPhoto', 'sendDocument', 'sendPhoto'])
  expect(shown().map(([kind, text]) => [kind, text])).toEqual([
    ['photo', 'Ann: three'],
    ['document', ''],
    ['photo', ''],
  ])
})

test('one bad file loses neither the text nor the others', async () => {
  fake.control.addFault({
    method: 'sendDocument',
    times: 1,
    effect: { kind: 'status', status: 413, body: 'Request Entity Too Large' },
  })
  fake.control.addFault({
    method: 'sendMediaGroup',
    times: 1,
    effect: { kind: 'status', status: 413, body: 'Request Entity Too Large' },
  })
  const files = [media.file('big.bin', 5 * MIB), media.file('small.bin', 1000), media.file('huge.bin', 60 * MIB)]
  partsOf(await bridge.send(withFiles('here', files), never))
  expect(shown()).toEqual([
    ['document', 'Ann: here\n📎 big.bin (5.2 MB) – too large for Telegram\n📎 huge.bin (62.9 MB) – too large for Telegram', 1000],
  ])
})

test('a failure in the middle is continued, not repeated', async () => {
  const files = [photo('p0.png'), media.file('a.bin', 10), photo('p1.png')]
  const made: NativePart[] = []
  fake.control.addFault({
    method: 'sendDocument',
    times: 1,
    effect: { kind: 'status', status: 400, body: 'Bad Request: chat not found' },
  })
  const first = withFiles('three', files, { onPart: async (part) => void made.push(part) })
  expect(await bridge.send(first, never)).toMatchObject({ kind: 'lane-failed' })
  expect(made.map((p) => p.part)).toEqual([FILE_PART, FILE_PART + 2])
  const parts = partsOf(
    await bridge.send({ ...first, attempt: 1, parts: JSON.parse(JSON.stringify(made)) as NativePart[] }, never),
  )
  expect(parts.map((p) => p.part)).toEqual([FILE_PART, FILE_PART + 1, FILE_PART + 2])
  expect(shown().map(([kind, text]) => [kind, text])).toEqual([
    ['photo', 'Ann: three'],
    ['photo', ''],
    ['document', ''],
  ])
})

test('edits change the caption, and what does not fit into it follows', async () => {
  const file = photo('p.png')
  const made = stored(partsOf(await bridge.send(withFiles('first', [file]), never)))
  let parts = partsOf(await bridge.send(withFiles('second', [file], { op: 'edit', parts: made }), never))
  expect(shown()).toEqual([['photo', 'Ann: second', file.size]])
  const long = 'word '.repeat(400).trim()
  parts = partsOf(await bridge.send(withFiles(long, [file], { op: 'edit', parts }), never))
  expect(shown().map(([kind, text]) => [kind, text.length <= 1024])).toEqual([
    ['photo', true],
    ['text', true],
  ])
  parts = partsOf(await bridge.send(withFiles('', [file], { op: 'edit', parts }), never))
  expect(shown()).toEqual([['photo', 'Ann', file.size]])
  partsOf(await bridge.send(request(chat, '', { op: 'delete', parts }), never))
  expect(shown()).toEqual([])
  expect(fake.remarks).toEqual([])
})

test('an edit replaces the file, with its caption', async () => {
  const [one, other] = [photo('one.png'), media.file('other, larger.bin', 900)]
  const made = stored(partsOf(await bridge.send(withFiles('see', [one]), never)))
  const parts = partsOf(await bridge.send(withFiles('see this', [other], { op: 'edit', parts: made }), never))
  expect(shown()).toEqual([['document', 'Ann: see this', 900]])
  expect(methods()).toEqual(['sendPhoto', 'editMessageMedia'])
  // What it shows now is known: the next edit changes the words alone.
  partsOf(await bridge.send(withFiles('see that', [other], { op: 'edit', parts: stored(parts) }), never))
  expect(shown()).toEqual([['document', 'Ann: see that', 900]])
  expect(methods().at(-1)).toBe('editMessageCaption')
  expect(fake.remarks).toEqual([])
})

test('an edit takes items of an album away, replaces and adds others', async () => {
  const [a, b, c, d] = ['a.png', 'b.png', 'c.png', 'd.png'].map((name) => photo(name, {})) as [
    Attachment,
    Attachment,
    Attachment,
    Attachment,
  ]
  let parts = stored(partsOf(await bridge.send(withFiles('all', [a, b]), never)))
  parts = stored(partsOf(await bridge.send(withFiles('all', [b, c, d], { op: 'edit', parts }), never)))
  expect(shown()).toEqual([
    ['photo', 'Ann: all', c.size],
    ['photo', '', b.size],
    ['photo', '', d.size],
  ])
  expect(fake.control.visible(chat).at(-1)?.replyTo).toBe(fake.control.visible(chat)[0]?.id)
  // The first goes with its caption, which moves on.
  parts = stored(partsOf(await bridge.send(withFiles('two', [b, d], { op: 'edit', parts }), never)))
  expect(shown()).toEqual([
    ['photo', 'Ann: two', b.size],
    ['photo', '', d.size],
  ])
  parts = stored(partsOf(await bridge.send(withFiles('words', [], { op: 'edit', parts }), never)))
  expect(shown()).toEqual([['text', 'Ann: words', null]])
  partsOf(await bridge.send(withFiles('words', [a], { op: 'edit', parts }), never))
  expect(shown()).toEqual([
    ['text', 'Ann: words', null],
    ['photo', '', a.size],
  ])
  expect(fake.remarks).toEqual([])
})

test('what cannot be replaced is sent anew; what is too large is named', async () => {
  const webp = Buffer.concat([Buffer.from('RIFF'), Buffer.from([30, 0, 0, 0]), Buffer.from('WEBPVP8 '), Buffer.alloc(20)])
  const sticker = media.file('s.webp', webp, { kind: 'sticker' })
  let parts = stored(partsOf(await bridge.send(withFiles('', [sticker]), never)))
  expect(shown().map(([kind]) => kind)).toEqual(['text', 'sticker'])
  const picture = photo('p.png')
  parts = stored(partsOf(await bridge.send(withFiles('', [picture], { op: 'edit', parts }), never)))
  expect(shown().map(([kind]) => kind)).toEqual(['text', 'photo'])
  const huge = media.file('huge.bin', 60 * MIB)
  partsOf(await bridge.send(withFiles('look', [huge], { op: 'edit', parts }), never))
  expect(shown()).toEqual([['text', 'Ann: look\n📎 huge.bin (62.9 MB) – too large for Telegram', null]])
})

test('an edit of one item of an album nobody remembers leaves the other items', async () => {
  const [a, b] = [photo('a.png'), photo('b.png')]
  const parts = stored(partsOf(await bridge.send(withFiles('all', [a, b]), never)))
  partsOf(await bridge.send(withFiles('both', [b], { op: 'edit', parts, keepsFiles: true }), never))
  expect(shown()).toEqual([
    ['photo', 'Ann: both', a.size],
    ['photo', '', b.size],
  ])
})

test('files of messages are read; their addresses stay inside', async () => {
  media.library.addSource('telegram', 'main', bridge)
  fake.people.post(chat, person, { ...fake.people.file('document', 'a b.png', PNG), caption: 'see' })
  fake.people.post(chat, person, fake.people.file('document', 'huge.bin', Buffer.alloc(21 * MIB)))
  const [small, big] = (await sink.until(2)).map((e) => ('body' in e.event ? e.event.body.attachments[0] : undefined))
  const file = await media.library.fetch(small as Attachment, never)
  expect([file.size, file.mime]).toEqual([PNG.length, 'image/png'])
  file.release()
  await expect(media.library.fetch(big as Attachment, never)).rejects.toMatchObject({ code: 'MEDIA_TOO_LARGE' })
  fake.control.addFault({ method: 'download', effect: { kind: 'status', status: 500 } })
  const error = await media.library
    .fetch(
      {
        ...(small as Attachment),
        id: 'again',
        source: { ...(small as Attachment).source, fileUniqueId: 'again' } as Attachment['source'],
      },
      never,
    )
    .catch((e: unknown) => e)
  expect(error).toMatchObject({ code: 'MEDIA_UNAVAILABLE' })
  expect(JSON.stringify(error) + String(error)).not.toContain('AAF')
})

test('an album becomes one message, however it comes in; its later edits too', async () => {
  const album = [
    { ...fake.people.file('photo', 'a.png', PNG), caption: 'two pictures' },
    fake.people.file('photo', 'b.png', Buffer.concat([PNG, Buffer.from('b')])),
  ]
  const ids = fake.people.postAlbum(chat, person, album)
  const [first] = await sink.until(1)
  expect(first?.msg.id).toBe(String(ids[0]))
  expect(first?.event).toMatchObject({
    kind: 'message.create',
    alsoIds: [String(ids[1])],
    body: { rich: { text: 'two pictures' } },
  })
  expect(first && 'body' in first.event && first.event.body.attachments).toHaveLength(2)
  fake.people.edit(chat, ids[0] as number, { caption: 'two cats' })
  fake.people.edit(chat, ids[1] as number, { has_media_spoiler: true })
  const [, second, third] = await sink.until(3)
  for (const edit of [second, third]) {
    expect(edit).toMatchObject({
      msg: { id: String(ids[0]) },
      event: { kind: 'message.edit', body: { rich: { text: 'two cats' } } },
    })
    expect(edit && 'body' in edit.event && edit.event.body.attachments).toHaveLength(2)
  }
})

test('an album is held back without holding up others, and survives a stop in between', async () => {
  const other = fake.control.addChat({ title: 'Other', members: [...fake.world.bots.keys(), person] })
  fake.people.postAlbum(chat, person, [fake.people.file('photo', 'a.png', PNG), fake.people.file('photo', 'b.png', PNG)])
  fake.people.post(other, person, 'meanwhile')
  await sink.until(1)
  expect(sink.texts()).toEqual(['meanwhile'])
  await bridge.stop()
  const token = [...fake.world.bots.values()][0]?.token as string
  const later = newBridge({ fake, token }, sink)
  await later.start(never)
  await sink.until(2)
  fake.people.postAlbum(chat, person, [fake.people.file('photo', 'c.png', PNG), fake.people.file('photo', 'd.png', PNG)])
  fake.people.post(chat, person, 'after the album')
  await sink.until(4)
  await later.stop()
  const albums = sink.envelopes.map((e) => ('body' in e.event ? e.event.body.attachments.length : 0))
  expect(albums.filter((n) => n > 0)).toEqual([2, 2])
  expect(sink.texts().at(-1)).toBe('after the album')
})
