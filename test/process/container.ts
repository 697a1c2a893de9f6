import test from 'ava';
import { countCpus, readMemoryBytes } from '../../src/process/container.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const STATUS = 'Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,6,8-9\nMems_allowed_list:\t0\n';

test('the CPUs of the affinity are counted', async (t) => {
  const root = await siteFolder(t, { 'proc/self/status': STATUS });

  t.is(countCpus(root), 7);
});

test('a quota of the control group limits them, with its fraction', async (t) => {
  const root = await siteFolder(t, {
    'proc/self/status': STATUS,
    'proc/self/cgroup': '0::/\n',
    'sys/fs/cgroup/cpu.max': '150000 100000\n',
    'sys/fs/cgroup/cpu.weight': '39\n',
  });

  t.is(countCpus(root), 1.5);
});

test('of nested groups the smallest quota holds, and a group without one does not count', async (t) => {
  const root = await siteFolder(t, {
    'proc/self/status': STATUS,
    'proc/self/cgroup': '1:name=systemd:/x\n0::/kubepods/pod1/c1\n',
    'sys/fs/cgroup/kubepods/cpu.max': '600000 100000\n',
    'sys/fs/cgroup/kubepods/pod1/cpu.max': '20000 10000\n',
    'sys/fs/cgroup/kubepods/pod1/c1/cpu.max': 'max 100000\n',
  });

  t.is(countCpus(root), 2);
});

test('this machine has CPUs and memory', (t) => {
  t.true(countCpus() > 0);
  t.true(readMemoryBytes() > 2 ** 20 && readMemoryBytes() < 2 ** 50);
});
