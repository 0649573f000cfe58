/** `npm run build`: compiles bin and src into dist, unless dist is up to date. */
import { ensureBuilt, ensureInstalled } from './project.mjs';

await ensureInstalled();
await ensureBuilt();
