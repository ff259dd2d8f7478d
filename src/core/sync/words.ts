/** K2's words for how a folder is synchronised; anything else is read as passive. */
export const SYNC_MODES = ['proactive', 'passive'] as const
export type SyncMode = (typeof SYNC_MODES)[number]

/** K2's kinds of devices. */
export const DEVICE_TYPES = ['Laptop', 'Desktop', 'Mobile'] as const
