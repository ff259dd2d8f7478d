import { equalBytes } from '../../../base/bytes.ts'
import { type Hash, idBytes } from '../../ids.ts'
import type { OpenBlob } from '../store.ts'
import { blake3 } from '../tree/blake3.ts'
import { groupsOf } from '../tree/outboard.ts'
import { auditGroups } from './audit.ts'
import type { BlobEntry } from './backend.ts'
import type { StoreContext } from './context.ts'
import { GroupSet } from './group-set.ts'
import type { PartialBook } from './partials.ts'
import { openUserFile, sameStamp, stampOf } from './reference.ts'
import { openEntry, referenceSource } from './sources.ts'

/**
 * Hashes a stored blob again and notes what is right: a copy keeps its good groups and becomes partial, a referenced file
 * is right as a whole or forgotten. Must run under the lock of the blob. Answers the entry as it is now.
 */
export async function verifyBlob(
  context: StoreContext,
  partials: PartialBook,
  hash: Hash,
  signal: AbortSignal | undefined,
): Promise<BlobEntry | undefined> {
  const { meta } = context.backend
  const entry = meta.blob(hash)
  // What is being fetched is verified on its way in.
  if (entry === undefined || partials.has(hash)) return entry
  const now =
    entry.kind === 'reference' ? await checkReference(context, hash, entry, signal) : await checkOwn(context, hash, entry, signal)
  if (now === entry) return entry
  await meta.commit([{ kind: 'blob', hash, entry: now }])
  if (now === undefined && 'content' in entry) await context.drop(entry.content)
  return now
}

async function checkOwn(
  context: StoreContext,
  hash: Hash,
  entry: Exclude<BlobEntry, { kind: 'reference' }>,
  signal: AbortSignal | undefined,
): Promise<BlobEntry | undefined> {
  if (entry.kind === 'inline') return equalBytes(blake3(entry.data), idBytes(hash)) ? entry : undefined
  const groups = groupsOf(entry.size)
  const present = new GroupSet(entry.kind === 'partial' ? entry.groups : [0, groups])
  // A file that is gone has no good groups.
  const source = await openEntry(context.backend, hash, entry).catch(() => undefined)
  const good = source ? await audited(source, hash, present, signal) : new GroupSet()
  if (good.count === present.count) return entry
  if (good.count === 0) return undefined
  const sizeVerified = good.covers(groups - 1, groups)
  return { kind: 'partial', size: entry.size, sizeVerified, content: entry.content, groups: good.bounds }
}

async function checkReference(
  context: StoreContext,
  hash: Hash,
  entry: Extract<BlobEntry, { kind: 'reference' }>,
  signal: AbortSignal | undefined,
): Promise<BlobEntry | undefined> {
  const file = await openUserFile(entry.path).catch(() => undefined)
  if (file === undefined) return undefined
  const before = await stampOf(file)
  const source = referenceSource(context.backend, hash, entry, file)
  if (before.size !== entry.size) {
    await source.close()
    return undefined
  }
  const present = new GroupSet([0, groupsOf(entry.size)])
  try {
    const good = await auditGroups(source, hash, present, signal)
    if (good.count !== present.count || !sameStamp(before, await stampOf(file))) return undefined
  } finally {
    await source.close()
  }
  // Touched or replaced by the same content.
  return sameStamp(before, entry.stamp) ? entry : { ...entry, stamp: before }
}

async function audited(source: OpenBlob, hash: Hash, present: GroupSet, signal: AbortSignal | undefined): Promise<GroupSet> {
  try {
    return await auditGroups(source, hash, present, signal)
  } finally {
    await source.close()
  }
}
