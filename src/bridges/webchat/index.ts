export { WebChatBridge } from './bridge.ts'
export { ChatFiles, type ChatFilesOptions } from './files.ts'
export { NOTICE_FILES } from './notice-files.ts'
export type { WebChatBridgeOptions, WebChatStats } from './options.ts'
export { INLINE_TYPES } from './protocol.ts'
export type { WebChatSession } from './session.ts'
export { MemoryWebChatStore, type WebChatAuthor, type WebChatBody, type WebChatRecord, type WebChatStore } from './store.ts'

/** Folder with the page's files, served at the root of the gateway's HTTP server. */
export const WEBCHAT_PAGES = new URL('./public/', import.meta.url)
