import { z } from 'zod'
import type { NativePart } from '../port.ts'
import type { DiscordApi } from './api.ts'
import type { Failure } from './errors.ts'
import type { DiscordCall } from './outbound.ts'
import { description, type Target } from './run.ts'

export type Edit = DiscordCall & { op: 'edit' }

const Shown = z.object({ attachments: z.array(z.object({ id: z.string().regex(/^\d{1,20}$/) })) })

/**
 * The list of files an edit leaves at a message: it must name every one that is to stay (bridging 4.4). What the message holds
 * is asked, because only the platform knows its own ids; our files are its last ones, in the order they were sent.
 */
export async function fileFields(
  api: DiscordApi,
  { files, target: { shows = [] } }: Edit,
  target: Target,
  signal: AbortSignal,
): Promise<{ readonly attachments?: readonly object[] } | { readonly failure: Failure }> {
  if (files === undefined) return {}
  const uploads = files.uploads.map(description)
  if (files.kept.length === 0) return { attachments: uploads }
  const answer = await api.call({ method: 'GET', ...target }, signal)
  if (!answer.ok) return { failure: answer.failure }
  const there = Shown.safeParse(answer.body).data?.attachments.map((a) => a.id) ?? []
  const first = there.length - shows.length
  // A message that holds something else than was noted: nothing of it is taken away.
  const kept = first < 0 ? there : there.filter((_, i) => i < first || files.kept.includes(shows[i - first] as string))
  return { attachments: [...kept.map((id) => ({ id })), ...uploads] }
}

/** The message as it is after an edit. */
export function shownAfter({ target, files }: Edit): NativePart {
  if (files === undefined) return target
  const { shows: _, ...part } = target
  const shows = [...files.kept, ...files.uploads.map((upload) => upload.attachment.id)]
  return shows.length === 0 ? part : { ...part, shows }
}
