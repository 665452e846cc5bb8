import { expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { needsPolling } from './file-systems.ts';

it.each([
  ...['nfs', 'nfs4', 'cifs', 'smb3', 'smbfs', 'afs', 'ceph', '9p', 'drvfs', 'vboxsf', 'vmhgfs', 'prl_fs', 'virtiofs'],
  ...['fuse.sshfs', 'fuse.s3fs', 'fuse.rclone', 'fuse.gcsfuse', 'fuse.grpcfuse'],
])('files on %s are polled: another machine changes them without an event here', (type) => {
  expect(needsPolling('/work', () => type)).toBe(true);
});

it.each([
  ...['ext4', 'xfs', 'btrfs', 'zfs', 'tmpfs', 'overlay', 'f2fs', 'apfs', 'exfat', 'fuseblk', undefined],
  ...['fuse.fuse-overlayfs', 'fuse.bindfs', 'fuse.gocryptfs', 'fuse.ntfs-3g'],
])('files on %s have events', (type) => {
  expect(needsPolling('/work', () => type)).toBe(false);
});

it('asks for the file system of the path itself', () => {
  const folder = testFolder();
  const asked: string[] = [];
  needsPolling(folder, (path) => {
    asked.push(path);
    return undefined;
  });
  expect(asked).toEqual([folder]);
  expect(needsPolling(folder)).toBe(false);
});
