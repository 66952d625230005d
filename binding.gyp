{
  'variables': { 'root': '.' },
  'includes': ['native/addon.gypi'],
}
