import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { setupFiles: ['respite/vitest/setup'] } });
