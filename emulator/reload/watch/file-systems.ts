import { fileSystemOf } from '../../local/mounts.ts';

/**
 * File systems on which another machine (a server, the host of WSL or of a virtual machine) changes files without an
 * event here.
 */
const silent = /^(9p|drvfs|nfs\d?|cifs|smb\d?|smbfs|afs|ceph|lustre|vboxsf|vmhgfs|prl_fs|virtiofs|fuse\..+)$/;

/** FUSE on this machine itself, where events come. */
const local = /^fuse\.(fuse-overlayfs|bindfs|mergerfs|gocryptfs|encfs|cryfs|ntfs|ntfs-3g|exfat|ext2|unionfs)$/;

/** Whether files there must be polled, because no event reports a change. `typeOf`: of the file system at a path. */
export function needsPolling(path: string, typeOf: typeof fileSystemOf = fileSystemOf): boolean {
  const type = typeOf(path) ?? '';
  return silent.test(type) && !local.test(type);
}
