export { blobBytes, readBlob } from './blob-bytes.ts'
export {
  DEFAULT_DOWNLOAD_LIMITS,
  type DownloadLimits,
  type DownloadProgress,
  type DownloadRequest,
  type DownloadResult,
  type ProviderOutcome,
} from './download-types.ts'
export { Downloader, type DownloaderOptions } from './downloader.ts'
export { FetchPool, type FetchPoolOptions } from './fetch-pool.ts'
export { FsBlobStore, type FsStoreOptions } from './fs-store.ts'
export { type GetOptions, type GetResult, getRanges } from './getter.ts'
export type { ManyRequest, WantedBlob } from './many-download.ts'
export { MemoryBlobStore } from './memory-store.ts'
export { fetchWorkers, type ParallelFetchOptions, parallelFetch } from './parallel-fetch.ts'
export { type BlobFormat, type BlobTicket, decodeBlobTicket, encodeBlobTicket } from './proto/blob-ticket.ts'
export {
  type CollectionFile,
  collectionFiles,
  decodeCollectionNames,
  decodeHashSeq,
  encodeCollectionNames,
  encodeHashSeq,
} from './proto/collection.ts'
export { joinShare, safeFileName, splitShare } from './proto/file-name.ts'
export { BLOBS_ALPN } from './proto/requests.ts'
export {
  BlobProvider,
  type ProviderEvent,
  type ProviderLimits,
  type ProviderOptions,
  type ProviderStats,
  type ServedRequest,
  type Verdict,
} from './provider.ts'
export type { ParallelFetch } from './range-fetcher.ts'
export type {
  BlobReader,
  BlobSink,
  BlobStatus,
  BlobStore,
  BlobTag,
  ExportOptions,
  GcOptions,
  GcResult,
  ImportedBlob,
  ImportOptions,
  KeptBlob,
  ListedBlob,
  OpenBlob,
  OwnerQuota,
  PartialBlob,
  PartialState,
  Protection,
  StoreUsage,
  WriteOptions,
} from './store.ts'
export { BlobHasher, type HashedBlob, hashBlob } from './tree/outboard.ts'
