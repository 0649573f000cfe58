/** temporary */
const d: Record<string, string> = { port:'6379', bind:'127.0.0.1', databases:'16', hz:'10', maxclients:'10000', timeout:'0', 'tcp-backlog':'511','tcp-keepalive':'300', unixsocket:'', unixsocketperm:'0', loglevel:'notice', logfile:'', requirepass:'', maxmemory:'0','maxmemory-policy':'noeviction','lfu-log-factor':'10','lfu-decay-time':'1','proto-max-bulk-len':'536870912','client-query-buffer-limit':'1073741824','client-output-buffer-limit':'normal 0 0 0','protected-mode':'yes', pidfile:'', 'repl-backlog-size':'1048576','enable-debug-command':'no', save:'', dir:'', appendonly:'no' };
export class Config {
  loadPairs(p: readonly (readonly [string, string])[]): void { for (const [k, v] of p) d[k] = v; }
  get(_p: readonly string[]): [string, string][] { return []; }
  set(_p: readonly (readonly [string, string])[]): void {}
  rewrite(): void {}
  string(n: string): string { return d[n] ?? ''; }
  number(n: string): number { return Number(d[n]); }
  bool(n: string): boolean { return d[n] === 'yes'; }
  onChange(_n: string, _f: () => void): void {}
}
