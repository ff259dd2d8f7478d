import { z } from 'zod'
import { place } from './places.ts'
import { duration, size } from './units.ts'

/** Folders kept equal with other K2 nodes. */
export const syncSchema = z.strictObject({
  root: z
    .string()
    .min(1)
    .max(4000)
    .optional()
    .describe('where folders named in chats lie; default: folders in the data directory'),
  invitations: z
    .enum(['known', 'open', 'off'])
    .default('known')
    .describe('whose invitations are shown: those of contacts and devices, of everybody, or none'),
  notices: z.array(place).max(20).default([]).describe('places where invitations and troubles are told, as in routes'),
  maxFile: size().prefault('4GiB').describe('larger files of others are not taken'),
  maxFolder: size().prefault('100GiB').describe('what the files of one folder may have together'),
  maxAuthor: size().prefault('100GiB').describe('what the files of one author in a folder may have together'),
  maxFiles: z.int().min(1).max(1_000_000).default(200_000).describe('files of one folder'),
  trash: z
    .strictObject({
      maxSize: size().prefault('5GiB').describe('previous versions and deleted files of all folders'),
      keep: duration().prefault('30d'),
    })
    .prefault({}),
  quiet: duration().prefault('1s').describe('a changed file is read when nothing was written to it for this long'),
  fileTimes: z
    .boolean()
    .default(false)
    .describe('publish the times of files; K2 desktops make a small extra file of each, so only among gateways'),
})

export type SyncConfig = z.output<typeof syncSchema>
