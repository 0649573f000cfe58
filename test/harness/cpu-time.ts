/** What work costs this process: unlike the clock on the wall it does not grow with what others do. */

/** CPU time in ms of this process while `work` runs. Its threads count, too. */
export async function cpuMsOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
