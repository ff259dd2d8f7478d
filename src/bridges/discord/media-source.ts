import { z } from 'zod'
import type { MediaSource, RemoteContent } from '../media.ts'
import type { Attachment } from '../model/message.ts'
import type { NativeRef } from '../model/place.ts'
import { fileGone, fileUnavailable, openRemote } from '../remote-file.ts'
import type { DiscordApi } from './api.ts'
import { channelIdOf } from './outbound.ts'

/** An address that expires within this is not worth a try, ms. */
const EXPIRY_MARGIN_MS = 30_000
const HOSTS: ReadonlySet<string> = new Set(['cdn.discordapp.com', 'media.discordapp.net'])

const Holder = z.object({ attachments: z.array(z.object({ id: z.string(), url: z.string().max(4000) })).default([]) })
const Holding = z.object({
  ...Holder.shape,
  message_snapshots: z.array(z.object({ message: Holder })).default([]),
})

export interface DiscordMediaOptions {
  readonly api: DiscordApi
  /** Base of the API when it is not Discord's own: its files come from the same server. */
  readonly apiUrl: string | undefined
  readonly now: () => number
}

/** Reads attachments from Discord's servers; addresses that expired are asked for anew through their message (bridging 9). */
export class DiscordMedia implements MediaSource {
  readonly #options: DiscordMediaOptions
  readonly #origin: string | undefined

  constructor(options: DiscordMediaOptions) {
    this.#options = options
    this.#origin = options.apiUrl === undefined ? undefined : new URL(options.apiUrl).origin
  }

  async openAttachment(attachment: Attachment, signal: AbortSignal): Promise<RemoteContent> {
    const { source, id } = attachment
    if (source.kind !== 'discord-url') throw fileGone()
    const isFresh = source.expiresAt === 0 || source.expiresAt > this.#options.now() + EXPIRY_MARGIN_MS
    const direct = isFresh ? await openRemote(source.url, this.#allowed, signal) : 'gone'
    if (direct !== 'gone') return direct
    const url = await this.#freshUrl(source.ref, id, signal)
    const again = url === undefined ? 'gone' : await openRemote(url, this.#allowed, signal)
    if (again === 'gone') throw fileGone()
    return again
  }

  readonly #allowed = (url: URL): boolean =>
    this.#origin === undefined ? url.protocol === 'https:' && HOSTS.has(url.hostname) : url.origin === this.#origin

  async #freshUrl(ref: NativeRef, id: string, signal: AbortSignal): Promise<string | undefined> {
    const path = `/channels/${channelIdOf(ref)}/messages/${ref.id}` as const
    const answer = await this.#options.api.call({ method: 'GET', path, auth: 'bot' }, signal)
    if (!answer.ok) {
      if (answer.failure.kind === 'api' && answer.failure.status < 500) return undefined
      throw fileUnavailable('its message cannot be read')
    }
    const message = Holding.safeParse(answer.body)
    if (!message.success) return undefined
    const all = [message.data, ...message.data.message_snapshots.map((s) => s.message)].flatMap((m) => m.attachments)
    return all.find((a) => a.id === id)?.url
  }
}
