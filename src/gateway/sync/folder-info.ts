import type { FolderConfig } from '../../core/sync/index.ts'
import type { FolderPhase } from './folder.ts'
import type { FolderCounts, HeldFile } from './folder-counts.ts'

export type FolderStatus = 'paused' | 'error' | 'scanning' | 'publishing' | 'fetching' | 'applying' | 'pending' | 'idle'

export interface FolderInfo extends FolderConfig, Omit<FolderCounts, 'refusedKeys'> {
  readonly status: FolderStatus
  readonly progress: { readonly done: number; readonly total: number }
  readonly error: { readonly code: string; readonly message: string } | undefined
  /** Names that cannot be synchronised: in the folder, and keys of the document. */
  readonly refused: readonly HeldFile[]
}

export const STEP_PHASE: Readonly<Record<Exclude<FolderPhase, 'idle'>, FolderStatus>> = {
  scanning: 'scanning',
  publishing: 'publishing',
  fetching: 'fetching',
  applying: 'applying',
}
