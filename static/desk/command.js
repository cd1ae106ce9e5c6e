// Enter in the search opens the first hit where none was chosen with the arrows, and does nothing where there is none.
document.addEventListener("alpine:init", () => {
  const unfoldSearch = window.searchCommand;
  window.searchCommand = () => {
    const search = unfoldSearch();
    return {
      ...search,
      selectItem(...how) {
        if (!this.items?.length) return;
        this.currentIndex ||= 1;
        search.selectItem.apply(this, how);
      },
    };
  };
});
