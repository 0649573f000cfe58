export default { serverExternalPackages: ['respite'] };
