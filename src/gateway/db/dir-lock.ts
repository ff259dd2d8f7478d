export { acquireDirLock, type DirLock } from '../../core/dir-lock.ts'
