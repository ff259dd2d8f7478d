import { z } from 'zod'
import type { Attachment } from '../model/message.ts'
import type { TelegramClient } from './client.ts'
import { failureOf } from './errors.ts'

/** Sides of the picture other platforms show, px: the smallest one that is not smaller is taken. */
const SIDE = 160

const Photos = z.looseObject({
  photos: z
    .array(
      z
        .array(
          z.looseObject({
            file_id: z.string().min(1).max(500),
            file_unique_id: z.string().min(1).max(200),
            width: z.number(),
            file_size: z.number().optional(),
          }),
        )
        .max(50),
    )
    .max(100),
})

/** The profile picture of a person as a file; undefined when there is none, or none for this bot. */
export async function portraitOf(
  who: { readonly account: string; readonly authorKey: string },
  client: TelegramClient,
  signal: AbortSignal,
): Promise<Attachment | undefined> {
  const id = /^telegram:(\d{1,16})$/.exec(who.authorKey)?.[1]
  if (id === undefined) return undefined
  const answer = await client.call('getUserProfilePhotos', { user_id: Number(id), limit: 1 }, signal).catch((error: unknown) => {
    const failure = failureOf(error)
    // Refused for this person; anything else may pass.
    if (failure.kind === 'api' && failure.code >= 400 && failure.code < 500 && failure.code !== 429) return { photos: [] }
    throw error
  })
  const sizes = Photos.parse(answer).photos[0] ?? []
  const best = [...sizes].sort((a, b) => a.width - b.width).find((s) => s.width >= SIDE) ?? sizes.at(-1)
  if (best === undefined) return undefined
  return {
    id: best.file_unique_id,
    kind: 'image',
    name: 'avatar.jpg',
    ...(best.file_size !== undefined && { size: best.file_size }),
    source: { kind: 'telegram-file', account: who.account, fileId: best.file_id, fileUniqueId: best.file_unique_id },
  }
}
