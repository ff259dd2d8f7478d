import { fileChange } from '../file-change.ts'
import type { SendableFile } from '../outgoing-files.ts'
import type { NativePart, SendRequest } from '../port.ts'
import { type MediaGroup, mediaOf, type PlanFiles, type TelegramMedia } from './media-plan.ts'

/** Which messages get another file, which have none left, and which files need a message of their own. */
export interface Replacements {
  readonly replaced: ReadonlyMap<number, { readonly target: NativePart; readonly item: MediaGroup['items'][number] }>
  readonly deleted: readonly NativePart[]
  readonly added: readonly SendableFile[]
}

/** Kinds a message can be given by an edit; the others are sent anew. */
const REPLACEABLE: ReadonlySet<TelegramMedia> = new Set(['photo', 'video', 'animation', 'audio', 'document'])
const NONE: Replacements = { replaced: new Map(), deleted: [], added: [] }

/** What an edit of files means where each message shows one (bridging 10.1). Pure. */
export function replacements(request: SendRequest, media: PlanFiles | undefined): Replacements {
  const change = media && fileChange(request)
  if (media === undefined || change === undefined) return NONE
  const fresh = media.files.sendable.filter((file) => change.added.has(file.index))
  const replaced = new Map<number, { target: NativePart; item: MediaGroup['items'][number] }>()
  const deleted: NativePart[] = []
  for (const target of request.parts.filter((p) => change.lost.has(p.part))) {
    const next = media.fixed.has(target.part) ? -1 : fresh.findIndex((file) => REPLACEABLE.has(kindOf(file, media)))
    const [file] = next < 0 ? [] : fresh.splice(next, 1)
    if (file === undefined) deleted.push(target)
    else replaced.set(target.part, { target, item: { media: kindOf(file, media), file } })
  }
  return { replaced, deleted, added: fresh }
}

const kindOf = (file: SendableFile, { as }: PlanFiles): TelegramMedia => as.get(file.index) ?? mediaOf(file)
