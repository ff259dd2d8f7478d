export {
  EMPTY_FILE_HASH,
  type FolderView,
  folderView,
  printMtime,
  type RemoteFile,
  readMtime,
  TOMBSTONE_HASH,
  TOMBSTONE_TEXT,
} from './effective.ts'
export {
  conflictPath,
  cutBytes,
  foldPath,
  isIgnoredName,
  type KeyFault,
  keyOfPath,
  metaKeyOf,
  type NameRules,
  OWN_FILES,
  readKey,
} from './keys.ts'
export { type Link, type LinkEvent, type LinkState, newLink, nextLink } from './link-state.ts'
export { type BaseFile, type HoldReason, type LocalFile, type PlanLimits, planFolder, type SyncAction } from './plan.ts'
export { type FolderConfig, SyncBook, type SyncDevice, type SyncSettings } from './settings-book.ts'
export type { SyncMode } from './words.ts'
